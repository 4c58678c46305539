import { isEmpty, isOneOf, type ParameterRule, refused, to, without } from '../translation/parameter-rules.ts'

const noCounterpart = 'No counterpart.'

/** What becomes of every parameter of OpenAI's chat request on its way to `generateContent`; the check compares the names with OpenAI's SDK. */
export const chatParameters: Readonly<Record<string, ParameterRule>> = {
  audio: refused('Ask for text.'),
  frequency_penalty: to('`generationConfig.frequencyPenalty`'),
  function_call: refused('Use `tool_choice`.', isOneOf('auto', 'none')),
  functions: refused('Use `tools`.', isEmpty),
  logit_bias: without(noCounterpart, isEmpty),
  logprobs: without(noCounterpart, isOneOf(false)),
  max_completion_tokens: to('`generationConfig.maxOutputTokens`, thinking included.'),
  max_tokens: to('`generationConfig.maxOutputTokens`, as above.'),
  messages: to('`systemInstruction` and `contents`.'),
  metadata: without('No counterpart: it belongs to completions that OpenAI stores.', isEmpty),
  modalities: refused('Ask for text.', (value) => JSON.stringify(value) === '["text"]'),
  model: to('Part of the address.'),
  moderation: without(noCounterpart),
  n: to('`generationConfig.candidateCount`'),
  parallel_tool_calls: without('Gemini decides itself; name one function in `tool_choice`.', isOneOf(true)),
  prediction: without('No counterpart; it is about speed only.'),
  presence_penalty: to('`generationConfig.presencePenalty`'),
  prompt_cache_key: without('Not needed: Gemini finds cached prompts by their beginning.', () => true),
  prompt_cache_options: without('Gemini caches by itself.', isEmpty),
  prompt_cache_retention: without('Gemini caches by itself.', isOneOf('in_memory')),
  reasoning_effort: to('`generationConfig.thinkingConfig`: a level for Gemini 3 and later, a budget before.'),
  response_format: to('`generationConfig.responseMimeType` and `responseJsonSchema`.'),
  safety_identifier: without(noCounterpart),
  seed: to('`generationConfig.seed`'),
  service_tier: without(noCounterpart, isOneOf('auto', 'default')),
  stop: to('`generationConfig.stopSequences`'),
  store: without(noCounterpart, isOneOf(false)),
  stream: to('`streamGenerateContent`'),
  stream_options: to('Kept here: usage comes with every stream of Gemini.'),
  temperature: to('`generationConfig.temperature`'),
  tool_choice: to('`toolConfig.functionCallingConfig`'),
  tools: to('`tools.functionDeclarations`; functions only.'),
  top_logprobs: without(noCounterpart, isOneOf(0)),
  top_p: to('`generationConfig.topP`'),
  user: without(noCounterpart),
  verbosity: without(noCounterpart, isOneOf('medium')),
  web_search_options: without('No counterpart: tools that Google runs itself are billed apart.'),
}

/** What becomes of a member of a request. */
export const ruleOf = (name: string): ParameterRule =>
  Object.hasOwn(chatParameters, name)
    ? (chatParameters[name] as ParameterRule)
    : without('OpenAI’s protocol does not have it.')
