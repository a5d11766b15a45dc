/**
 * A chat template in the manner of the large ones that come with reasoning models: macros, tools in the system prompt, results joined into
 * one block, and reasoning that is only shown behind the newest question. Written for the benchmark.
 */
export const reasoningTemplate = `{%- macro show(content) %}
    {%- if content is string %}{{- content }}{%- else %}{%- for part in content %}{{- part.text }}{%- endfor %}{%- endif %}
{%- endmacro %}
{%- macro show_call(call) %}
    {{- '<tool_call>\\n{"name": "' + call.name + '", "arguments": ' }}
    {%- if call.arguments is string %}{{- call.arguments }}{%- else %}{{- call.arguments | tojson }}{%- endif %}
    {{- '}\\n</tool_call>' }}
{%- endmacro %}
{%- set has_system = messages[0].role == 'system' %}
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if has_system %}{{- show(messages[0].content) + '\\n\\n' }}{%- endif %}
    {{- '# Tools\\n\\nCall one or more of these functions:\\n<tools>' }}
    {%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}
    {{- '\\n</tools>\\n\\nAnswer each call with its name and arguments as JSON within <tool_call> and </tool_call>.<|im_end|>\\n' }}
{%- elif has_system %}
    {{- '<|im_start|>system\\n' + show(messages[0].content) + '<|im_end|>\\n' }}
{%- endif %}
{%- set found = namespace(question=-1) %}
{%- for message in messages %}
    {%- if message.role == 'user' %}{%- set found.question = loop.index0 %}{%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = show(message.content) %}
    {%- if message.role == 'system' %}
        {%- if not loop.first %}{{- '<|im_start|>system\\n' + content + '<|im_end|>\\n' }}{%- endif %}
    {%- elif message.role == 'user' %}
        {{- '<|im_start|>user\\n' + content + '<|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' }}
        {%- if loop.index0 > found.question and message.reasoning_content %}
            {{- '<think>\\n' + message.reasoning_content.strip('\\n') + '\\n</think>\\n\\n' }}
        {%- endif %}
        {{- content }}
        {%- for call in message.tool_calls or [] %}
            {%- if not loop.first or content %}{{- '\\n' }}{%- endif %}
            {{- show_call(call.function) }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' + content + '\\n</tool_response>' }}
        {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}
`;
