/** How far a sample is tried on every run of the tests. */
type Checked = 'executed' | 'executed in Chromium, in a page of another origin' | 'executed where a JDK is installed'

/** One file per language in every folder of `docs/samples`. */
export interface SampleLanguage {
  readonly file: string
  /** On its tab. */
  readonly name: string
  /** Of the fence in Markdown. */
  readonly fence: string
  readonly checked: Checked
  /** What a reader needs to run it. */
  readonly needs: string
}

/** The languages, in the order of the tabs. */
export const sampleLanguages: readonly SampleLanguage[] = [
  { file: 'curl.sh', name: 'curl', fence: 'sh', checked: 'executed', needs: 'curl ≥ 7.76 and jq' },
  {
    file: 'node.ts',
    name: 'TypeScript',
    fence: 'ts',
    checked: 'executed',
    needs: 'Node.js ≥ 22.18, `npm install openai`',
  },
  {
    file: 'browser.js',
    name: 'Browser',
    fence: 'js',
    checked: 'executed in Chromium, in a page of another origin',
    needs: 'a publishable key, and a page of an origin that it allows',
  },
  {
    file: 'python.py',
    name: 'Python',
    fence: 'python',
    checked: 'executed',
    needs: 'Python ≥ 3.9, its standard library',
  },
  { file: 'go.go', name: 'Go', fence: 'go', checked: 'executed', needs: 'Go ≥ 1.19, its standard library' },
  { file: 'php.php', name: 'PHP', fence: 'php', checked: 'executed', needs: 'PHP ≥ 8.1 with the extension curl' },
  { file: 'ruby.rb', name: 'Ruby', fence: 'ruby', checked: 'executed', needs: 'Ruby ≥ 3.0, its standard library' },
  {
    file: 'Sample.java',
    name: 'Java',
    fence: 'java',
    checked: 'executed where a JDK is installed',
    needs: 'Java ≥ 17 and Gson: `java -cp gson.jar Sample.java`',
  },
]

/** A task of `docs/samples`: a folder with a file per language, and the page that shows them. */
export interface SampleTask {
  readonly folder: string
  readonly title: string
  readonly text: string
  /** Where it is explained, from `docs`. */
  readonly guide: string
}

/** The tasks, in the order of the overview. */
export const sampleTasks: readonly SampleTask[] = [
  {
    folder: 'chat',
    title: 'A first call',
    text: 'One question, one answer. A refusal carries a code and a sentence that says what to do.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'streaming',
    title: 'Streaming',
    text: 'The answer word by word, then what it consumed and cost. A stream that is whole ends with `[DONE]`; an error inside it comes as an event; one that ends with neither was cut.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'tools',
    title: 'Function calling',
    text: 'The model calls two functions of yours at once and answers with their results.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'structured-output',
    title: 'Structured output',
    text: 'An answer in the form of a JSON schema.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'image-input',
    title: 'Image input',
    text: 'A question about a picture, which is sent along as a data URL.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'embeddings',
    title: 'Embeddings',
    text: 'Texts as vectors, compared by their angle.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'media',
    title: 'Pictures and speech',
    text: 'A picture of a text, and a text that is spoken. In a browser an `<img>` needs no call: the publishable key may stand in its address.',
    guide: 'guides/media.md',
  },
  {
    folder: 'models',
    title: 'Models',
    text: 'What the key may call, and what for.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'errors',
    title: 'Errors and retries',
    text: 'Try again only where it can help: on 408, 429 and 5xx, after `Retry-After`, and never where `x-should-retry` is `false`. Keep the request id; with it the operator finds the call.',
    guide: 'reference/errors.md',
  },
  {
    folder: 'cost',
    title: 'Usage and cost',
    text: 'What one call cost, and where the key stands. This takes a secret key; in a browser, the header `x-headgate-cost-usd` and the usage chunk of a stream tell the cost of a call.',
    guide: 'guides/chat.md',
  },
  {
    folder: 'rate-limits',
    title: 'Rate limits',
    text: 'How many requests are left, told by every answer.',
    guide: 'guides/limits.md',
  },
  {
    folder: 'keys',
    title: 'Keys',
    text: 'A key with a budget is made, rotated, changed and revoked. This takes the operator’s `HEADGATE_ADMIN_KEY` and has no place in a browser.',
    guide: 'guides/keys.md',
  },
  {
    folder: 'chat-loop',
    title: 'A conversation, all together',
    text: 'Streams, remembers, can be interrupted, tries again as it is told to, and shows cost and budget after every answer.',
    guide: 'guides/chat.md',
  },
]

/** What only a secret key or the operator’s may do has no place in a browser. */
const notInBrowsers = ['cost', 'keys']

/** The languages that a task has. */
export const languagesOf = ({ folder }: SampleTask): readonly SampleLanguage[] =>
  sampleLanguages.filter(({ file }) => file !== 'browser.js' || !notInBrowsers.includes(folder))
