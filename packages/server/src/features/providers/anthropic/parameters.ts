import { isEmpty, isOneOf, type ParameterRule, refused, to, without } from '../translation/parameter-rules.ts'

const noCounterpart = 'No counterpart.'
const sampling =
  'Gone since API version 2026-10-21. Translated where `headers` of the provider set an older `anthropic-version`.'

/**
 * Every parameter of OpenAI's chat request. The check compares the names with the type `ChatCompletionCreateParamsBase` of
 * the official SDK, so that a new one cannot go unnoticed.
 */
export const chatParameters: Readonly<Record<string, ParameterRule>> = {
  audio: refused('Ask for text.'),
  frequency_penalty: without(noCounterpart, isOneOf(0)),
  function_call: refused('Use `tool_choice`.', isOneOf('auto', 'none')),
  functions: refused('Use `tools`.', isEmpty),
  logit_bias: without(noCounterpart, isEmpty),
  logprobs: without(noCounterpart, isOneOf(false)),
  max_completion_tokens: to('`max_tokens`, which Anthropic requires: the cap that the call is admitted with.'),
  max_tokens: to('`max_tokens`, as above.'),
  messages: to('`system` and `messages`.'),
  metadata: without('No counterpart: it belongs to completions that OpenAI stores.', isEmpty),
  modalities: refused('Ask for text.', (value) => JSON.stringify(value) === '["text"]'),
  model: to('`model`'),
  moderation: without(noCounterpart),
  n: refused('Make several calls: Anthropic answers once.', isOneOf(1)),
  parallel_tool_calls: to('`tool_choice.disable_parallel_tool_use`, reversed.'),
  prediction: without('No counterpart; it is about speed only.'),
  presence_penalty: without(noCounterpart, isOneOf(0)),
  prompt_cache_key: without('Not needed: Anthropic finds cached prompts by their beginning.', () => true),
  prompt_cache_options: without(
    'Mark what is to be cached with `cache_control` or `prompt_cache_breakpoint`.',
    isEmpty,
  ),
  prompt_cache_retention: without('Write `ttl` into `cache_control`.', isOneOf('in_memory')),
  reasoning_effort: to('`thinking` and `output_config.effort`, by what the model can do.'),
  response_format: to('`output_config.format` for `json_schema`; `json_object` is left out.'),
  safety_identifier: to('`metadata.user_id`'),
  seed: without(noCounterpart),
  service_tier: to('`service_tier`: `auto` is `auto`, `default` is `standard_only`; others are left out.'),
  stop: to('`stop_sequences`; sequences of white space only are left out.'),
  store: without(noCounterpart, isOneOf(false)),
  stream: to('`stream`'),
  stream_options: to('Kept here: usage comes with every stream of Anthropic.'),
  temperature: without(sampling, isOneOf(1)),
  tool_choice: to('`tool_choice`; `required` is `any`, `allowed_tools` shortens `tools`.'),
  tools: to('`tools`; functions only.'),
  top_logprobs: without(noCounterpart, isOneOf(0)),
  top_p: without(sampling, isOneOf(1)),
  user: to('`metadata.user_id`'),
  verbosity: without(noCounterpart, isOneOf('medium')),
  web_search_options: without('No counterpart: tools that Anthropic runs itself are billed apart.'),
}

/**
 * Every parameter of Anthropic's Messages request, as far as a chat request may name it. The check compares the names
 * with the type `MessageCreateParamsBase` of the official SDK. What both protocols name is read as OpenAI means it.
 */
export const messagesParameters: Readonly<Record<string, ParameterRule>> = {
  cache_control: to('As it is.'),
  container: refused('It serves tools that Anthropic runs itself, which are billed apart.'),
  diagnostics: to('As it is.'),
  inference_geo: refused('It changes the price; the operator chooses the region of the workspace.'),
  max_tokens: to('As OpenAI means it.'),
  messages: to('As OpenAI means it.'),
  metadata: to('Set from `safety_identifier` or `user`; see OpenAI’s `metadata`.'),
  model: to('As OpenAI means it.'),
  output_config: to('As it is; `response_format` and `reasoning_effort` go into it.'),
  service_tier: to('As OpenAI means it.'),
  speed: refused('It changes the price.', isOneOf('standard')),
  stop_sequences: refused('Use `stop`.'),
  stream: to('As OpenAI means it.'),
  system: refused('Send a message with the role `system`.'),
  thinking: to('As it is; stronger than `reasoning_effort`.'),
  tool_choice: to('As OpenAI means it.'),
  tools: to('As OpenAI means it.'),
  user_profile_id: refused('It is a header; the operator sets it under `headers` of the provider.'),
  workspace_id: refused('It is a header; the operator sets it under `headers` of the provider.'),
}

/** What becomes of a member of a request; names that neither protocol has are left out. */
export const ruleOf = (name: string): ParameterRule => {
  const rules = Object.hasOwn(chatParameters, name) ? chatParameters : messagesParameters
  return Object.hasOwn(rules, name) ? (rules[name] as ParameterRule) : without('Neither protocol has it.')
}
