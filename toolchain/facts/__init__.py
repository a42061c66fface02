"""The facts of the official provider schemas, one JSON file a package: inputs, types, replacements."""
