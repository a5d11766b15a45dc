/** Tools that the service runs or knows by type: search, code, images, screens, shells, MCP (dossier B.1). */
import { type Static, Type } from '../schema.ts';
import { AllowedCallers } from './client.ts';

const location = {
  city: Type.Maybe(Type.String()),
  country: Type.Maybe(Type.String()),
  region: Type.Maybe(Type.String()),
  timezone: Type.Maybe(Type.String()),
};

/** Search of the web. */
export const WebSearchTool = Type.Object({
  type: Type.Enum(['web_search', 'web_search_2025_08_26']),
  external_web_access: Type.Optional(Type.Boolean()),
  filters: Type.Maybe(Type.Object({ allowed_domains: Type.Maybe(Type.Array(Type.String())) })),
  search_context_size: Type.Optional(Type.Enum(['low', 'medium', 'high'])),
  user_location: Type.Maybe(Type.Object({ type: Type.Optional(Type.Literal('approximate')), ...location })),
});
export type WebSearchTool = Static<typeof WebSearchTool>;

/** The first form of web search. */
export const WebSearchPreviewTool = Type.Object({
  type: Type.Enum(['web_search_preview', 'web_search_preview_2025_03_11']),
  search_content_types: Type.Optional(Type.Array(Type.Enum(['text', 'image']))),
  search_context_size: Type.Optional(Type.Enum(['low', 'medium', 'high'])),
  user_location: Type.Maybe(Type.Object({ type: Type.Literal('approximate'), ...location })),
});
export type WebSearchPreviewTool = Static<typeof WebSearchPreviewTool>;

const ComparisonFilter = Type.Object({
  type: Type.Enum(['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'nin']),
  key: Type.String(),
  value: Type.Union([
    Type.String(),
    Type.Number(),
    Type.Boolean(),
    Type.Array(Type.Union([Type.String(), Type.Number()])),
  ]),
});

const CompoundFilter = Type.Object({ type: Type.Enum(['and', 'or']), filters: Type.Array(Type.Unknown()) });

/** Search of uploaded files. */
export const FileSearchTool = Type.Object({
  type: Type.Literal('file_search'),
  vector_store_ids: Type.Array(Type.String()),
  filters: Type.Maybe(Type.Union([ComparisonFilter, CompoundFilter])),
  max_num_results: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })),
  ranking_options: Type.Optional(
    Type.Object({
      ranker: Type.Optional(Type.Enum(['auto', 'default-2024-11-15'])),
      score_threshold: Type.Optional(Type.Number()),
      hybrid_search: Type.Optional(Type.Object({ embedding_weight: Type.Number(), text_weight: Type.Number() })),
    }),
  ),
});
export type FileSearchTool = Static<typeof FileSearchTool>;

const NetworkPolicy = Type.Union([
  Type.Object({ type: Type.Literal('disabled') }),
  Type.Object({
    type: Type.Literal('allowlist'),
    allowed_domains: Type.Array(Type.String()),
    domain_secrets: Type.Optional(
      Type.Array(Type.Object({ domain: Type.String(), name: Type.String(), value: Type.String() })),
    ),
  }),
]);

const container = {
  file_ids: Type.Optional(Type.Array(Type.String())),
  memory_limit: Type.Maybe(Type.Enum(['1g', '4g', '16g', '64g'])),
  network_policy: Type.Optional(NetworkPolicy),
};

/** Python in a container. */
export const CodeInterpreterTool = Type.Object({
  type: Type.Literal('code_interpreter'),
  container: Type.Union([Type.String(), Type.Object({ type: Type.Literal('auto'), ...container })]),
  allowed_callers: Type.Maybe(AllowedCallers),
});
export type CodeInterpreterTool = Static<typeof CodeInterpreterTool>;

/** Generation and editing of images. */
export const ImageGenerationTool = Type.Object({
  type: Type.Literal('image_generation'),
  model: Type.Optional(Type.String()),
  action: Type.Optional(Type.Enum(['generate', 'edit', 'auto'])),
  background: Type.Optional(Type.Enum(['transparent', 'opaque', 'auto'])),
  complexity: Type.Optional(Type.Enum(['low', 'medium', 'high'])),
  frame_count: Type.Optional(Type.Integer()),
  frame_duration_ms: Type.Optional(Type.Integer()),
  input_fidelity: Type.Maybe(Type.Enum(['high', 'low'])),
  input_image_mask: Type.Optional(
    Type.Object({ file_id: Type.Optional(Type.String()), image_url: Type.Optional(Type.String()) }),
  ),
  moderation: Type.Optional(Type.Enum(['auto', 'low'])),
  output_compression: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
  output_format: Type.Optional(Type.Enum(['png', 'webp', 'jpeg', 'gif', 'svg'])),
  partial_images: Type.Optional(Type.Integer({ minimum: 0, maximum: 3 })),
  quality: Type.Optional(Type.Enum(['low', 'medium', 'high', 'xhigh', 'max', 'auto'])),
  size: Type.Optional(Type.Open(['1024x1024', '1024x1536', '1536x1024', 'auto'])),
  svg: Type.Optional(
    Type.Object({
      model: Type.Optional(Type.String()),
      reasoning: Type.Maybe(
        Type.Object({
          effort: Type.Optional(Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
        }),
      ),
    }),
  ),
});
export type ImageGenerationTool = Static<typeof ImageGenerationTool>;

/** Use of a screen. */
export const ComputerTool = Type.Object({ type: Type.Literal('computer') });
export type ComputerTool = Static<typeof ComputerTool>;

/** The first form of the use of a screen. Sizes are pixels. */
export const ComputerUsePreviewTool = Type.Object({
  type: Type.Literal('computer_use_preview'),
  display_height: Type.Number(),
  display_width: Type.Number(),
  environment: Type.Enum(['windows', 'mac', 'linux', 'ubuntu', 'browser']),
});
export type ComputerUsePreviewTool = Static<typeof ComputerUsePreviewTool>;

const McpToolFilter = Type.Object({
  read_only: Type.Optional(Type.Boolean()),
  tool_names: Type.Optional(Type.Array(Type.String())),
});

/** The tools of an MCP server. */
export const McpTool = Type.Object({
  type: Type.Literal('mcp'),
  server_label: Type.String(),
  server_url: Type.Optional(Type.String()),
  server_description: Type.Optional(Type.String()),
  connector_id: Type.Optional(
    Type.Enum([
      'connector_dropbox',
      'connector_gmail',
      'connector_googlecalendar',
      'connector_googledrive',
      'connector_microsoftteams',
      'connector_outlookcalendar',
      'connector_outlookemail',
      'connector_sharepoint',
    ]),
  ),
  tunnel_id: Type.Optional(Type.String()),
  authorization: Type.Optional(Type.String()),
  headers: Type.Maybe(Type.Map(Type.String())),
  allowed_tools: Type.Maybe(Type.Union([Type.Array(Type.String()), McpToolFilter])),
  require_approval: Type.Maybe(
    Type.Union([
      Type.Enum(['always', 'never']),
      Type.Object({ always: Type.Optional(McpToolFilter), never: Type.Optional(McpToolFilter) }),
    ]),
  ),
  defer_loading: Type.Optional(Type.Boolean()),
  allowed_callers: Type.Maybe(AllowedCallers),
});
export type McpTool = Static<typeof McpTool>;

/** The first shell tool. */
export const LocalShellTool = Type.Object({ type: Type.Literal('local_shell') });
export type LocalShellTool = Static<typeof LocalShellTool>;

const Skill = Type.Union([
  Type.Object({
    type: Type.Literal('skill_reference'),
    skill_id: Type.String(),
    version: Type.Optional(Type.String()),
  }),
  Type.Object({
    type: Type.Literal('inline'),
    name: Type.String(),
    description: Type.String(),
    source: Type.Object({
      type: Type.Literal('base64'),
      media_type: Type.Literal('application/zip'),
      data: Type.String(),
    }),
  }),
]);

/** A shell, on the client or in a container. */
export const ShellTool = Type.Object({
  type: Type.Literal('shell'),
  environment: Type.Maybe(
    Type.Union([
      Type.Object({ type: Type.Literal('container_auto'), ...container, skills: Type.Optional(Type.Array(Skill)) }),
      Type.Object({
        type: Type.Literal('local'),
        skills: Type.Optional(
          Type.Array(Type.Object({ name: Type.String(), description: Type.String(), path: Type.String() })),
        ),
      }),
      Type.Object({ type: Type.Literal('container_reference'), container_id: Type.String() }),
    ]),
  ),
  allowed_callers: Type.Maybe(AllowedCallers),
});
export type ShellTool = Static<typeof ShellTool>;

/** Changes of files by the client. */
export const ApplyPatchTool = Type.Object({
  type: Type.Literal('apply_patch'),
  allowed_callers: Type.Maybe(AllowedCallers),
});
export type ApplyPatchTool = Static<typeof ApplyPatchTool>;

/** Calling of tools by programs that the model writes. */
export const ProgrammaticToolCallingTool = Type.Object({ type: Type.Literal('programmatic_tool_calling') });
export type ProgrammaticToolCallingTool = Static<typeof ProgrammaticToolCallingTool>;
