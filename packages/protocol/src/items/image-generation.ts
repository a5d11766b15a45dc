/** Images that a hosted tool made. */
import { extend, type Static, Type } from '../schema.ts';

const ImageGenerationStatus = Type.Enum(['in_progress', 'completed', 'generating', 'failed']);

/** An image that was asked for, or made. */
export const ImageGenerationCallItem = Type.Object({
  type: Type.Literal('image_generation_call'),
  id: Type.Maybe(Type.String()),
  status: Type.Maybe(ImageGenerationStatus),
  /** The image in base64, null until it is there. */
  result: Type.Nullable(Type.String()),
  action: Type.Maybe(Type.Enum(['generate', 'edit', 'auto'])),
  background: Type.Maybe(Type.Enum(['transparent', 'opaque', 'auto'])),
  output_format: Type.Maybe(Type.Enum(['png', 'webp', 'jpeg', 'gif', 'svg'])),
  quality: Type.Maybe(Type.Enum(['low', 'medium', 'high', 'xhigh', 'max', 'auto'])),
  revised_prompt: Type.Maybe(Type.String()),
  size: Type.Maybe(Type.Open(['1024x1024', '1024x1536', '1536x1024'])),
  error: Type.Optional(
    Type.Object({
      type: Type.String(),
      code: Type.Nullable(Type.String()),
      message: Type.String(),
      param: Type.Nullable(Type.String()),
      moderation_details: Type.Optional(
        Type.Object({
          categories: Type.Array(Type.String()),
          moderation_stage: Type.Enum(['input', 'output', 'unknown']),
        }),
      ),
    }),
  ),
  svg_usage: Type.Optional(
    Type.Object({
      model: Type.String(),
      input_tokens: Type.Integer(),
      output_tokens: Type.Integer(),
      reasoning_tokens: Type.Integer(),
      total_tokens: Type.Integer(),
    }),
  ),
});
export type ImageGenerationCallItem = Static<typeof ImageGenerationCallItem>;

/** The same as a response makes it. */
export const OutputImageGenerationCallItem = extend(ImageGenerationCallItem, {
  id: Type.String(),
  status: ImageGenerationStatus,
});
export type OutputImageGenerationCallItem = Static<typeof OutputImageGenerationCallItem>;
