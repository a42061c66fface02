"""`ResourceProvider` of pulumi.runtime.proto for any `Provider`: messages in, messages out."""

import functools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.rpc.status_pb2 import Status
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from toolchain.plugins.base import states
from toolchain.plugins.base.checks import Failure, check
from toolchain.plugins.base.configuration import check_settings
from toolchain.plugins.base.diffs import Difference, diff
from toolchain.plugins.base.errors import NotConfigured, PartialFailure, ProviderError
from toolchain.plugins.base.logs import RESOURCE
from toolchain.plugins.base.naming import DEFAULTS
from toolchain.plugins.base.provider import Provider
from toolchain.plugins.base.resource import Reading, Resource
from toolchain.plugins.base.values import Properties, conceal, decode, encode, reveal

Method = TypeVar("Method", bound=Callable[..., Any])


def answers_errors(method: Method) -> Method:
    """Turn every exception of an RPC into a status that says what happened, to what."""

    @functools.wraps(method)
    def guarded(self: "Servicer", request: Any, context: grpc.ServicerContext) -> Any:
        about = RESOURCE.set(getattr(request, "urn", ""))
        try:
            return method(self, request, context)
        except PartialFailure as failure:
            _abort_partially(context, failure, request)
        except NotConfigured as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, _about(request, error))
        except Exception as error:  # noqa: BLE001 - the last guard; a library's message might hold a secret
            context.abort(grpc.StatusCode.INTERNAL, _about(request, _bug(error)))
        finally:
            RESOURCE.reset(about)

    return guarded  # type: ignore[return-value]


def _about(request: Any, error: Exception) -> str:
    urn = getattr(request, "urn", "")
    return (
        f"{urn.split('::')[2].split('$')[-1]} {urn.rsplit('::', 1)[-1]}: {error}"
        if "::" in urn
        else str(error)
    )


def _bug(error: Exception) -> ProviderError:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return ProviderError(
        f"a bug in the provider stand-in: {type(error).__name__} "
        f"in {Path(where.filename).name}, line {where.lineno}; report it with this message"
    )


def _abort_partially(context: grpc.ServicerContext, failure: PartialFailure, request: Any) -> NoReturn:
    detail = provider_pb2.ErrorResourceInitFailed(
        id=failure.id,
        properties=encode(failure.state),
        reasons=[str(failure)],
        inputs=_inputs_given(request),
    )
    packed = AnyMessage()
    packed.Pack(detail)
    message = _about(request, failure)
    status = Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, message)


def _inputs_given(request: Any) -> Any:
    """The inputs that the failed call was given: `properties` of a create, `news` of an update."""
    return request.news if hasattr(request, "news") else request.properties


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One provider, as the engine calls it."""

    def __init__(self, provider: Provider, schema: Callable[[], str]) -> None:
        self._provider = provider
        self._schema = schema

    @answers_errors
    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, supports_autonaming_configuration=True
        )

    @answers_errors
    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return provider_pb2.GetSchemaResponse(schema=self._schema())

    @answers_errors
    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        settings, failures = check_settings(self._provider.facts, decode(request.news))
        return _checked(settings, failures)

    @answers_errors
    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        before, after = reveal(decode(request.old_inputs)), reveal(decode(request.news))
        changed = sorted(key for key in before | after if before.get(key) != after.get(key))
        kinds = provider_pb2.DiffResponse
        return kinds(changes=kinds.DIFF_SOME if changed else kinds.DIFF_NONE, diffs=changed)

    @answers_errors
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        settings, failures = check_settings(self._provider.facts, decode(request.args))
        if failures:
            raise NotConfigured("; ".join(failure.reason for failure in failures))
        self._provider.configure(reveal(settings))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @answers_errors
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        result = self._provider.invoke(request.tok, reveal(decode(request.args)))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(
            encode(conceal(result, self._provider.secret_results(request.tok)))
        )
        return response

    @answers_errors
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        resource = self._resource(request)
        inputs, failures = check(resource, request, decode(request.olds), decode(request.news))
        return _checked(inputs, failures)

    @answers_errors
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        state, old_inputs, news = (decode(each) for each in (request.olds, request.old_inputs, request.news))
        return _difference(diff(self._resource(request), state, old_inputs, news, request.ignoreChanges))

    @answers_errors
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        resource, inputs = self._resource(request), decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(states.planned(resource, inputs)))
        base = states.digested(resource, inputs)
        reading = _keeping(resource, base, inputs, lambda: resource.create(_plain(inputs)))
        state = states.protected(resource, {**base, **reading.state}, inputs)
        return provider_pb2.CreateResponse(id=reading.id, properties=encode(state))

    @answers_errors
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        resource, old, inputs = self._resource(request), decode(request.properties), decode(request.inputs)
        reading = resource.read(request.id, reveal(old))
        if reading is None:
            return provider_pb2.ReadResponse(id="")
        state = states.protected(resource, {**old, **reading.state}, old, inputs)
        inputs = states.inputs_of(resource, state, inputs, imported=not old)
        return provider_pb2.ReadResponse(id=reading.id, properties=encode(state), inputs=encode(inputs))

    @answers_errors
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        resource, old, inputs = self._resource(request), decode(request.olds), decode(request.news)
        if request.preview:
            planned = states.replanned(resource, old, inputs)
            return provider_pb2.UpdateResponse(properties=encode(planned))
        base = {**states.carried(resource, old), **states.digested(resource, inputs)}
        reading = _keeping(
            resource,
            base,
            {**old, **inputs},
            lambda: Reading(request.id, resource.update(request.id, reveal(old), _plain(inputs))),
        )
        state = states.protected(resource, {**base, **reading.state}, inputs, old)
        return provider_pb2.UpdateResponse(properties=encode(state))

    @answers_errors
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        del context
        self._resource(request).delete(request.id, reveal(decode(request.properties)))
        return Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        self._provider.cancel()
        return Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return Empty()

    def GetMapping(self, request: Any, context: grpc.ServicerContext) -> Any:
        del request, context
        return provider_pb2.GetMappingResponse()

    def _resource(self, request: Any) -> Resource:
        return self._provider.resource(request.urn.split("::")[2].split("$")[-1])


def _plain(inputs: Properties) -> Properties:
    return {key: value for key, value in reveal(inputs).items() if key != DEFAULTS}


def _keeping(
    resource: Resource, base: Properties, sources: Properties, act: Callable[[], Reading]
) -> Reading:
    """The reading of `act`. A partial failure goes on with the whole state, its secrets kept."""
    try:
        return act()
    except PartialFailure as failure:
        failure.state = states.protected(resource, {**base, **failure.state}, sources)
        raise


def _checked(inputs: Properties, failures: list[Failure]) -> Any:
    return provider_pb2.CheckResponse(
        inputs=encode(inputs),
        failures=[provider_pb2.CheckFailure(property=each.property, reason=each.reason) for each in failures],
    )


def _difference(found: Difference) -> Any:
    response = provider_pb2.DiffResponse
    kinds = provider_pb2.PropertyDiff.Kind
    return response(
        changes=response.DIFF_SOME if found.changes else response.DIFF_NONE,
        diffs=[change.name for change in found.changes],
        replaces=[change.name for change in found.changes if change.replaces],
        deleteBeforeReplace=found.deletes_before_replace,
        hasDetailedDiff=True,
        detailedDiff={
            change.name: provider_pb2.PropertyDiff(
                kind=kinds.Value(change.kind.upper() + ("_REPLACE" if change.replaces else ""))
            )
            for change in found.changes
        },
    )
