/** Runs a turn: the engine's events, numbered and bracketed, then the commit, then the one terminal event. */
import { toProtocolError, type KnownEvent, type Response } from '@longwire/protocol';
import { createNode, type ChainNode } from '../chain/node.ts';
import type { EngineEvent, EngineUsage } from '../engine/engine.ts';
import { Sequencer, type Ending } from './sequencer.ts';
import type { Turn, TurnServices } from './turn.ts';

/** The events of a turn in batches, one batch per read of the engine; at the end the new node, or null where none came to be. */
export type TurnEvents = AsyncGenerator<readonly KnownEvent[], ChainNode | null, undefined>;

/**
 * Pulls the turn's events. Stops without a terminal event only when `signal` aborts: then nobody is left to read it.
 * Never throws for what an engine or the store does: that becomes `response.failed`.
 */
export async function* runTurn(services: TurnServices, turn: Turn, signal: AbortSignal): TurnEvents {
  const sequencer = new Sequencer(turn.response, {
    obfuscate: turn.request.body.stream_options?.include_obfuscation !== false,
    now: services.now,
  });
  const startedMs = services.now();
  yield sequencer.start();

  let ending: Ending;
  try {
    if (turn.request.body.generate === false) {
      ending = { status: 'completed', usage: await warmUp(turn, signal) };
    } else {
      const events = turn.route.engine.generate(turn.generation, signal);
      let end: (EngineEvent & { type: 'end' }) | null = null;
      for await (const batch of events) {
        if (signal.aborted) return null;
        const out = sequencer.push(batch);
        const last = batch.at(-1);
        if (last?.type === 'end') end = last;
        if (out.length > 0) yield out;
      }
      if (signal.aborted) return null;
      if (!end) throw new Error('The engine stopped without an end event.');
      ending =
        end.reason === 'stop'
          ? { status: 'completed', usage: end.usage }
          : { status: 'incomplete', reason: end.reason, usage: end.usage };
    }
  } catch (thrown) {
    if (signal.aborted) return null;
    ending = failed(services, turn, thrown);
  }

  const closing = ending.status === 'failed' ? [] : sequencer.close(ending.status);
  let settled = sequencer.settle(ending);
  let node: ChainNode | null = null;
  if (ending.status !== 'failed') {
    try {
      node = await commit(services, turn, settled);
    } catch (thrown) {
      // Its terminal event has not left yet: a response that could not be kept is not called completed.
      settled = sequencer.settle(failed(services, turn, thrown));
    }
  }
  const { request, route } = turn;
  services.log.debug(
    {
      responseId: turn.id,
      transport: request.via.transport,
      streamId: request.via.streamId,
      model: route.model.id,
      newItems: request.body.input.length,
      status: settled.status,
      usage: settled.usage,
      durationMs: services.now() - startedMs,
    },
    'turn',
  );
  yield [...closing, ...sequencer.end(settled)];
  return node;
}

/** `generate:false`: the context is ready for the next turn, and nothing is generated (dossier G). */
async function warmUp(turn: Turn, signal: AbortSignal): Promise<EngineUsage> {
  const { engine } = turn.route;
  if (engine.warm) return engine.warm(turn.generation, signal);
  return { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
}

/** Links the response to its chain and, where it is stored, waits until it is on disk. */
async function commit(services: TurnServices, turn: Turn, response: Response): Promise<ChainNode> {
  const { body, parent, project } = turn.request;
  const { engine } = turn.route;
  const context = engine.extend(turn.generation.context, response.output);
  const node = createNode(
    {
      id: turn.id,
      project,
      parent,
      stored: turn.stored,
      model: turn.generation.model,
      input: body.input,
      output: response.output,
    },
    { engine: engine.name, context },
  );
  if (turn.stored && services.store) {
    await services.store.put({
      id: turn.id,
      project,
      parentId: parent?.id ?? null,
      createdAt: response.created_at,
      input: body.input,
      response,
    });
    const dropped = services.recent.add(node);
    if (dropped?.context) services.router.release(dropped.context.engine, dropped.context.context);
  }
  return node;
}

function failed(services: TurnServices, turn: Turn, thrown: unknown): Ending & { status: 'failed' } {
  const error = toProtocolError(thrown, turn.id);
  services.log.warn({ responseId: turn.id, code: error.entry, cause: error.cause ?? undefined }, error.message);
  return { status: 'failed', error };
}
