/** The chapters of the API reference: every route stands in one. */
export const apiTags = {
  Chat: 'Conversations with a model, whole or as an event stream.',
  Responses: 'Conversations in OpenAI’s Responses protocol: kept, gone on from, or made in the background.',
  Sessions: 'Conversations that are kept: branches, search, what changed since, taking them out and bringing them in.',
  Embeddings: 'Vectors of texts.',
  Images: 'Pictures made, changed and varied by a model.',
  Audio: 'Speech made of text, and text of speech.',
  Moderations: 'Whether a text or a picture is harmful, by a model.',
  Files: 'Files that are kept for batches and other calls.',
  Assets: 'Content that people own: uploads that go on after a break, versions, parts.',
  Batches: 'Many calls in one file, made behind live ones.',
  Provenance: 'Where content came from: signatures, and whether they hold.',
  Models: 'What a key may call.',
  Usage: 'What calls consumed and cost.',
  Keys: 'API keys: making, changing, rotating and ending them.',
  Users: 'The people behind calls: who vouches for them.',
  Projects: 'The tenants that keys and usage belong to.',
  Providers: 'Model providers, those added at run time included.',
  Requests: 'What requests went through: their stages, traces, rates and percentiles.',
  Alerts: 'What is promised, what fires, and who is told.',
  Configuration: 'The options in effect, and reading them anew.',
  Limits: 'Limits as data, and who may call at all.',
  Budgets: 'What projects, users, keys and models may spend.',
  Operators: 'Who runs this Headgate: roles, and sessions.',
  Audit: 'What operators did.',
  Privacy: 'What is held of people, why and for how long, and erasing it.',
  Encryption: 'The keys under which everything is sealed, and their rotation.',
  Status: 'Health and metrics of this process.',
  Reference: 'This description of the API.',
} as const

/** Name of a chapter. */
export type ApiTag = keyof typeof apiTags
