/** A server that counts, and what a scraper reads of it. */
import { startTestServer, type Setup } from '../harness.ts';
import { parseExposition, type Exposition } from './exposition.ts';

/** `startTestServer` with metrics on a free port. */
export function startCountingServer(setup: Setup = {}) {
  return startTestServer({ ...setup, flags: ['--metrics-address', '0', ...(setup.flags ?? [])] });
}

/** One scrape, read strictly. */
export async function scrape({ metricsUrl }: { readonly metricsUrl: string | null }): Promise<Exposition> {
  if (metricsUrl === null) throw new Error('The server does not count.');
  const answer = await fetch(metricsUrl);
  if (!answer.ok) throw new Error(`The scrape was answered with ${answer.status}.`);
  return parseExposition(await answer.text());
}

/** The series of a metric that are not zero, as `label=value,… value`, sorted: labels in the order of the metric. */
export function series({ samples }: Exposition, name: string): string[] {
  return samples
    .filter((sample) => sample.name === name && sample.value !== 0)
    .map(({ labels, value }) => `${Object.values(labels).filter(Boolean).join(' ')} ${value}`.trim())
    .toSorted();
}
