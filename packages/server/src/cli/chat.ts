/** `longwire chat`: a conversation with a running server, over its WebSocket. */
import { text } from 'node:stream/consumers';
import { ConnectionLostError, ResponsesError } from '@longwire/client';
import { UsageError } from '../config/usage-error.ts';
import { createApproval, createChatTools } from './chat-approval.ts';
import { Conversation } from './chat-conversation.ts';
import { chatOptionsHelp, parseChatOptions } from './chat-options.ts';
import { Prompt, showAnswer } from './chat-prompt.ts';
import type { ChatTerminal } from './chat-prompt.ts';
import { listModels } from './chat-server.ts';
import { dim } from './chat-view.ts';
import type { Command } from './command.ts';
import { untilStopped } from './until-stopped.ts';

/** The command at any terminal. `open` is called when the command runs. */
export function createChatCommand(open: () => ChatTerminal): Command {
  return {
    name: 'chat',
    summary: 'talk to a running server',
    examples: [
      { line: 'longwire chat', about: 'with the server of this machine, at the terminal' },
      { line: 'longwire chat "Why is the sky blue?"', about: 'one question, one answer' },
      { line: 'git diff | longwire chat --instructions "Review this."', about: 'what is piped in is the question' },
      {
        line: 'longwire chat --tools shell,files --folder app',
        about: 'an agent at work in a folder; asks before it does',
      },
      {
        line: 'longwire chat --tools files --yes "Translate README.md into German, as LIESMICH.md."',
        about: 'the same in a script',
      },
      { line: 'longwire chat --resume resp_1', about: 'with what was said another day (--store)' },
      { line: 'longwire chat --url https://llm.example/v1 --api-key env:KEY', about: 'with another server' },
    ],
    optionsHelp: chatOptionsHelp,

    async run(argv, env, io) {
      const { prompt, model, instructions, baseUrl, apiKey, ...options } = parseChatOptions(argv, env);
      const server = { baseUrl, apiKey };
      const terminal = open();
      const question = prompt ?? (terminal.isInteractive ? null : (await text(terminal.input)).trim());
      if (question === '') throw new UsageError('Nothing to say: give a prompt, or pipe one in.');

      const models = await listModels(server);
      const chosen = model ?? models[0];
      if (chosen === undefined)
        throw new Error(`The server at ${server.baseUrl} lists no models: name one with --model.`);
      const interaction = question === null ? new Prompt() : null;
      const conversation = new Conversation({
        server,
        model: chosen,
        instructions,
        tools: createChatTools(options.tools, options.folder, env),
        approve: options.isYes ? () => true : createApproval(interaction?.ask ?? null),
        isStored: options.isStored,
      });
      if (options.resume !== null) conversation.resume(options.resume);
      const nowMs = () => io.elapsedMs();
      const hasColour = (isTerminal: boolean) => isTerminal && !env['NO_COLOR'];
      try {
        if (interaction === null || question !== null) {
          // Standard output is the answer and nothing else, for whoever reads it with a program.
          const notes = io.err.isTerminal ? io.err : null;
          const view = { out: io.out, notes, colour: hasColour(io.err.isTerminal), nowMs };
          return await untilStopped(io, async (signal) => {
            await showAnswer(conversation, question ?? '', view, signal);
          });
        }
        const view = { out: io.out, notes: io.out, colour: hasColour(io.out.isTerminal), nowMs };
        io.out.write(`${dim(`${chosen} at ${server.baseUrl}; /help lists the commands.`, view.colour)}\n`);
        await interaction.run({
          terminal,
          io,
          conversation,
          view,
          listModels: () => listModels(server),
          describe: (error) => toSentence(error, models),
        });
        const { newest } = conversation;
        if (options.isStored && newest !== null) io.out.write(`Go on with: longwire chat --resume ${newest}\n`);
        return 0;
      } catch (error) {
        throw new Error(toSentence(error, models), { cause: error });
      } finally {
        conversation.close();
      }
    },
  };
}

/** `longwire chat` at the terminal of this process. */
export const chat = createChatCommand(() => ({
  input: process.stdin,
  output: process.stdout,
  isInteractive: process.stdin.isTTY && process.stdout.isTTY,
}));

function toSentence(error: unknown, models: readonly string[]): string {
  if (error instanceof ResponsesError && error.code === 'model_not_found' && models.length > 0) {
    return `${error.message} The server has: ${models.join(', ')}.`;
  }
  if (error instanceof ConnectionLostError) {
    return error.cause instanceof ResponsesError ? error.cause.message : `${error.message} Ask again to reconnect.`;
  }
  return error instanceof Error ? error.message : String(error);
}
