/** Tools that the client runs (dossier B.1). */
import { AnyObject, type Static, Type } from '../schema.ts';

/** Who may call a tool: the model itself, or programs that it writes (dossier Q.3). */
export const AllowedCallers = Type.Array(Type.Enum(['direct', 'programmatic']));

/** A function of the client. `async` tools may answer in a later turn (dossier Q.2). */
export const FunctionTool = Type.Object({
  type: Type.Literal('function'),
  name: Type.String(),
  description: Type.Maybe(Type.String()),
  /** JSON Schema of the arguments. */
  parameters: Type.Maybe(AnyObject),
  strict: Type.Maybe(Type.Boolean()),
  async: Type.Optional(Type.Boolean()),
  defer_loading: Type.Optional(Type.Boolean()),
  output_schema: Type.Maybe(AnyObject),
  allowed_callers: Type.Maybe(AllowedCallers),
});
export type FunctionTool = Static<typeof FunctionTool>;

/** A tool whose input is free text, or text of a grammar. */
export const CustomTool = Type.Object({
  type: Type.Literal('custom'),
  name: Type.String(),
  description: Type.Optional(Type.String()),
  format: Type.Optional(
    Type.Union([
      Type.Object({ type: Type.Literal('text') }),
      Type.Object({
        type: Type.Literal('grammar'),
        syntax: Type.Enum(['lark', 'regex']),
        definition: Type.String(),
      }),
    ]),
  ),
  async: Type.Optional(Type.Boolean()),
  defer_loading: Type.Optional(Type.Boolean()),
  allowed_callers: Type.Maybe(AllowedCallers),
});
export type CustomTool = Static<typeof CustomTool>;

/** Tools under a common name: their calls come back with `namespace`. */
export const NamespaceTool = Type.Object({
  type: Type.Literal('namespace'),
  name: Type.String(),
  description: Type.String(),
  tools: Type.Array(Type.Union([FunctionTool, CustomTool])),
});
export type NamespaceTool = Static<typeof NamespaceTool>;

/** Lets the model look for tools whose loading was deferred. */
export const ToolSearchTool = Type.Object({
  type: Type.Literal('tool_search'),
  description: Type.Maybe(Type.String()),
  execution: Type.Optional(Type.Enum(['server', 'client'])),
  parameters: Type.Optional(Type.Unknown()),
});
export type ToolSearchTool = Static<typeof ToolSearchTool>;

/** A function as a response echoes it. */
export const EchoedFunctionTool = Type.Object({
  ...FunctionTool.properties,
  description: Type.Nullable(Type.String()),
  parameters: Type.Nullable(AnyObject),
  strict: Type.Nullable(Type.Boolean()),
});
export type EchoedFunctionTool = Static<typeof EchoedFunctionTool>;
