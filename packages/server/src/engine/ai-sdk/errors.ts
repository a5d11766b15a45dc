/** What a provider throws, as errors of the catalogue (dossier J.3). */
import { errors, ProtocolError } from '@longwire/protocol';
import type { UpstreamErrors } from '../http/errors.ts';

/** Errors of the AI SDK that are the request's own fault, by name. */
const requestFaults =
  /^AI_(UnsupportedFunctionality|InvalidPrompt|InvalidArgument|InvalidDataContent|TypeValidation)Error$/;
const missingKey = /^AI_LoadAPIKeyError$/;

/** `engine` names the provider to clients; `model` is the one that was asked for. */
export function toProviderError(thrown: unknown, upstream: UpstreamErrors, model: string): ProtocolError {
  if (thrown instanceof ProtocolError) return thrown;
  const { name, message, statusCode, responseHeaders, responseBody, data } = (thrown ?? {}) as ProviderFault;
  if (typeof statusCode === 'number') {
    const body = responseBody ?? JSON.stringify(data ?? { message });
    return upstream.fromReply({ status: statusCode, headers: responseHeaders ?? {}, body }, model);
  }
  if (name === 'AI_NoSuchModelError') return errors.modelNotFound(model);
  if (name !== undefined && requestFaults.test(name)) {
    return upstream.fromReply({ status: 400, headers: {}, body: JSON.stringify({ message }) }, model);
  }
  if (name !== undefined && missingKey.test(name))
    return upstream.fromReply({ status: 401, headers: {}, body: '' }, model);
  if (name === undefined || name === 'Object') return upstream.fromResponses(thrown, model);
  return upstream.fromConnection(thrown);
}

interface ProviderFault {
  readonly name?: string;
  readonly message?: string;
  readonly statusCode?: number;
  readonly responseHeaders?: Record<string, string>;
  readonly responseBody?: string;
  readonly data?: unknown;
}
