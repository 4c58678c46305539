import { isEmpty, isOneOf, type ParameterRule, refused, to, without } from '../translation/parameter-rules.ts'

const noCounterpart = 'No counterpart; what a model alone knows goes into `additionalModelRequestFields`.'

/** What becomes of every parameter of OpenAI's chat request on its way to `Converse`; the check compares the names with OpenAI's SDK. */
export const chatParameters: Readonly<Record<string, ParameterRule>> = {
  audio: refused('Ask for text.'),
  frequency_penalty: without(noCounterpart, isOneOf(0)),
  function_call: refused('Use `tool_choice`.', isOneOf('auto', 'none')),
  functions: refused('Use `tools`.', isEmpty),
  logit_bias: without(noCounterpart, isEmpty),
  logprobs: without(noCounterpart, isOneOf(false)),
  max_completion_tokens: to('`inferenceConfig.maxTokens`'),
  max_tokens: to('`inferenceConfig.maxTokens`'),
  messages: to('`system` and `messages`.'),
  metadata: without('No counterpart: it belongs to completions that OpenAI stores.', isEmpty),
  modalities: refused('Ask for text.', (value) => JSON.stringify(value) === '["text"]'),
  model: to('Part of the address.'),
  moderation: without(noCounterpart),
  n: refused('Make several calls: Converse answers once.', isOneOf(1)),
  parallel_tool_calls: without('The model decides itself; name one function in `tool_choice`.', isOneOf(true)),
  prediction: without('No counterpart; it is about speed only.'),
  presence_penalty: without(noCounterpart, isOneOf(0)),
  prompt_cache_key: without('Not needed: cached prompts are found by their beginning.', () => true),
  prompt_cache_options: without('Mark what is to be cached with `cache_control`.', isEmpty),
  prompt_cache_retention: without('No counterpart.', isOneOf('in_memory')),
  reasoning_effort: to(
    '`additionalModelRequestFields.reasoning_effort` for OpenAI’s models; for others it is left out.',
  ),
  response_format: to('`outputConfig.textFormat` for `json_schema`; `json_object` is left out.'),
  safety_identifier: without(noCounterpart),
  seed: without(noCounterpart),
  service_tier: without('Bedrock’s tiers change the price.', isOneOf('auto', 'default')),
  stop: to('`inferenceConfig.stopSequences`'),
  store: without(noCounterpart, isOneOf(false)),
  stream: to('`ConverseStream`'),
  stream_options: to('Kept here: usage comes with every stream of Bedrock.'),
  temperature: to('`inferenceConfig.temperature`, which ends at 1.'),
  tool_choice: to('`toolConfig.toolChoice`; for `none` the tools are not sent.'),
  tools: to('`toolConfig.tools`; functions only.'),
  top_logprobs: without(noCounterpart, isOneOf(0)),
  top_p: to('`inferenceConfig.topP`'),
  user: without(noCounterpart),
  verbosity: without(noCounterpart, isOneOf('medium')),
  web_search_options: without('No counterpart.'),
}

/** What becomes of a member of a request; `additionalModelRequestFields` goes through as it is. */
export const ruleOf = (name: string): ParameterRule => {
  if (name === 'additionalModelRequestFields') return to('As it is.')
  return Object.hasOwn(chatParameters, name)
    ? (chatParameters[name] as ParameterRule)
    : without('OpenAI’s protocol does not have it.')
}
