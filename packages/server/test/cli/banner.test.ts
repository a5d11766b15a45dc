import { describe, expect, it } from 'vitest';
import { renderBanner } from '../../src/cli/banner.ts';
import { loadConfig } from '../../src/config/config.ts';

function banner(argv: readonly string[], { url = 'http://127.0.0.1:8787/v1', ids = ['tiny-demo'] } = {}): string {
  const models = ids.map((id) => ({ id, created: 0, ownedBy: 'longwire', description: `About ${id}.` }));
  const config = loadConfig(argv, {}, () => '');
  return renderBanner({ url, models, metricsUrl: null, config, startedInMs: 42 });
}

/** The part to paste into Codex' config.toml. */
function codexConfig(text: string): string {
  return text.slice(text.indexOf('model ='));
}

describe('banner', () => {
  it('tells what is served, where, and how to connect', () => {
    expect(banner(['--data', '/srv/longwire'])).toMatchInlineSnapshot(`
      "
      Longwire 0.1.0, ready in 42 ms

        HTTP       http://127.0.0.1:8787/v1/responses
        WebSocket  ws://127.0.0.1:8787/v1/responses
        Models     tiny-demo  About tiny-demo.
        Store      SQLite in /srv/longwire
        Keys       none needed: only this machine can connect

      The built-in model is a 3.9M-parameter demo for trying the protocol, not an assistant.
      Serve a real one with --model FILE.gguf or --upstream URL.

      For Codex, in ~/.codex/config.toml:

      model = "tiny-demo"
      model_provider = "longwire"

      [model_providers.longwire]
      name = "longwire"
      base_url = "http://127.0.0.1:8787/v1"
      wire_api = "responses"
      supports_websockets = true

      [analytics]
      enabled = false

      "
    `);
  });

  it('calls the demo model a demo, and no other', () => {
    expect(banner([])).toContain('3.9M-parameter demo');
    expect(banner(['--model', 'x.gguf'])).not.toContain('demo for trying');
  });

  it('gives Codex the key variable when a key is needed, never the key', () => {
    const text = banner(['--api-key', 'team=sk-secret', '--api-key', 'team=sk-other', '--api-key', 'ops=sk-third']);
    expect(text).toContain('needed; projects: team, ops');
    expect(codexConfig(text)).toContain('env_key = "CODEX_LONGWIRE_KEY"');
    expect(text).not.toMatch(/sk-/);
  });

  it('gives an address that can be connected to', () => {
    const text = banner(['--host', '0.0.0.0', '--api-key', 'a=b'], { url: 'http://0.0.0.0:8787/v1' });
    expect(codexConfig(text)).toContain('base_url = "http://127.0.0.1:8787/v1"');
  });

  it('does not promise WebSocket mode that is off', () => {
    const text = banner(['--no-websocket']);
    expect(text).toMatch(/WebSocket +off/);
    expect(codexConfig(text)).toContain('supports_websockets = false');
  });

  it.each([
    [['--store', 'memory'], 'in memory: gone when the server stops'],
    [['--store', 'off'], 'Store      off'],
    [['--zero-retention'], 'nothing is written down'],
  ])('tells where responses are kept with %j', (argv, text) => {
    expect(banner(argv)).toContain(text);
  });

  it('lists every model, and quotes names for TOML', () => {
    const text = banner(['--upstream', 'http://x/v1'], { ids: ['a "quoted" name', 'b'] });
    expect(text).toContain('About b.');
    expect(codexConfig(text)).toContain('model = "a \\"quoted\\" name"');
    expect(banner(['--upstream', 'http://x/v1'], { ids: [] })).toContain('the upstream does not answer yet');
  });
});
