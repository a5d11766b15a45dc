/** docs/engines.md says what there is. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.ts';
import {
  chatSettings,
  prefixServerSettings,
  providerSettings,
  responsesSettings,
} from '../../src/config/engine-settings.ts';

const page = readFileSync(new URL('../../../../docs/engines.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name ?? '');

describe('docs/engines.md', () => {
  it('lists every setting, and no other', () => {
    const known = new Set(
      [chatSettings, responsesSettings, prefixServerSettings, providerSettings]
        .flatMap((table) => Object.keys(table))
        .concat('kind', 'url'),
    );
    expect([...new Set(rows)].toSorted()).toEqual([...known].toSorted());
  });

  it('shows YAML that the server takes', () => {
    const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml ?? '');
    expect(examples.length).toBeGreaterThan(0);
    const env = { OPENAI_API_KEY: 'sk-a', ANTHROPIC_API_KEY: 'sk-b' };
    for (const yaml of examples) {
      const { upstreams, providers } = loadConfig(['--config', '/longwire.yaml'], env, () => yaml).engines;
      expect(upstreams.length + providers.length).toBeGreaterThan(0);
    }
  });
});
