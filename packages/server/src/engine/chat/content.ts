/** Content parts of messages and tool outputs as content of the chat wire. */
import { errors, type MessagePart, type ToolOutput } from '@longwire/protocol';
import type { ChatPart } from './wire.ts';

/**
 * User content: one string where it is only text, since some servers read nothing else. `path` names the content in errors.
 * Throws `unsupported_value` for images and files that are not in the request itself: nothing here could fetch them.
 */
export function toUserContent(content: string | readonly MessagePart[], path: string): string | ChatPart[] {
  if (typeof content === 'string') return content;
  const parts = content.map((part, index) => toChatPart(part, `${path}[${index}]`));
  return parts.every((part) => part.type === 'text') ? parts.map((part) => part.text).join('\n') : parts;
}

/** The text of content that can only be text (system and assistant messages). Throws `unsupported_value` for anything else. */
export function toTextContent(content: string | readonly MessagePart[], separator: string, path: string): string {
  if (typeof content === 'string') return content;
  const texts = content.map((part, index) => {
    const chat = toChatPart(part, `${path}[${index}]`);
    if (chat.type === 'text') return chat.text;
    throw errors.unsupportedValue(`${path}[${index}]`, 'is not text, which is all that this role can say here.');
  });
  return texts.join(separator);
}

/** A tool's output in two: its text, and the images and files that the role `tool` cannot carry. */
export function splitToolOutput(output: ToolOutput, path: string): { text: string; pictures: ChatPart[] } {
  if (typeof output === 'string') return { text: output, pictures: [] };
  const texts: string[] = [];
  const pictures: ChatPart[] = [];
  for (const [index, part] of output.entries()) {
    const chat = toChatPart(part, `${path}[${index}]`);
    if (chat.type === 'text') texts.push(chat.text);
    else pictures.push(chat);
  }
  return { text: texts.join('\n'), pictures };
}

function toChatPart(part: MessagePart, path: string): ChatPart {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: part.text };
    case 'refusal':
      return { type: 'text', text: part.refusal };
    case 'input_image':
      if (!part.image_url) {
        throw errors.unsupportedValue(path, 'has no image_url: this model takes images by URL or as data URLs only.');
      }
      return {
        type: 'image_url',
        image_url: { url: part.image_url, ...(part.detail && { detail: part.detail }) },
      };
    case 'input_file':
      if (!part.file_data) {
        throw errors.unsupportedValue(path, 'has no file_data: this model takes files in the request only.');
      }
      return {
        type: 'file',
        file: { file_data: part.file_data, ...(part.filename && { filename: part.filename }) },
      };
  }
}
