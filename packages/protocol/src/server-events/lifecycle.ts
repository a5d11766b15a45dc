/** Events of a whole response. */
import type { Response } from '../response.ts';
import { type Static, Type } from '../schema.ts';
import { event } from './event.ts';

/** Other servers send sparse responses: a client can rely on the id only, so only that is checked (dossier C.1, rule 8). */
const response = { response: Type.Unsafe<Response>(Type.Object({ id: Type.String() })) };

export const ResponseCreatedEvent = event('response.created', response);
export type ResponseCreatedEvent = Static<typeof ResponseCreatedEvent>;

export const ResponseQueuedEvent = event('response.queued', response);
export type ResponseQueuedEvent = Static<typeof ResponseQueuedEvent>;

export const ResponseInProgressEvent = event('response.in_progress', response);
export type ResponseInProgressEvent = Static<typeof ResponseInProgressEvent>;

export const ResponseCompletedEvent = event('response.completed', response);
export type ResponseCompletedEvent = Static<typeof ResponseCompletedEvent>;

export const ResponseIncompleteEvent = event('response.incomplete', response);
export type ResponseIncompleteEvent = Static<typeof ResponseIncompleteEvent>;

export const ResponseFailedEvent = event('response.failed', response);
export type ResponseFailedEvent = Static<typeof ResponseFailedEvent>;

/** Says only that the response is alive. */
export const KeepaliveEvent = event('keepalive', {});
export type KeepaliveEvent = Static<typeof KeepaliveEvent>;
