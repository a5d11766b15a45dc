/** Streams in the shapes that servers document. */
import { readFileSync } from 'node:fs';
import { UpstreamErrors } from '../../../src/engine/http/errors.ts';
import { EventDecoder } from '../../../src/engine/token-server/events.ts';
import type { EventForm, Fallible } from '../../../src/engine/token-server/events.ts';

export const errors = new UpstreamErrors('upstream', []);

/** How a server's faults become errors. */
export const faults = {
  unusable: (what: string) => errors.brokenStream(what),
  failure: (fault: unknown) => errors.fromStream(fault, 'm'),
};

/** The events of a fixture, of a stream that ends as it should. `engine`: the folder's name. */
export function readEvents<Event extends Fallible>(engine: string, name: string, form: EventForm<Event>): Event[] {
  const bytes = readFileSync(new URL(`../../../src/engine/${engine}/__fixtures__/${name}.sse`, import.meta.url));
  const decoder = new EventDecoder<Event>(form, errors, 'm');
  const events = decoder.push(bytes);
  decoder.finish();
  return events;
}
