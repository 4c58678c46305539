/** Words that carry nothing of what a memory says. */
const fillers = new Set(['a', 'an', 'the', 'that', 'this', 'very', 'really'])
/** Words of questions and sentences that every text has; those of other languages are weighed by how many memories have them. */
const empty = new Set(
  (
    'a about after all also am an and any are as at be because been before being between both but by can could did do does doing ' +
    'for from had has have having he her here hers him his how i if in into is it its just me my no nor not of on or our ours ' +
    'out over she should so some such than that the their them then there these they this those to too under until up us very ' +
    'was we were what when where which while who whom whose why will with would you your yours s t re ve ll d m'
  ).split(' '),
)

/** Whether a word is worth looking for. */
export const saysSomething = (word: string): boolean => !empty.has(word)

/** How a memory may begin that is about the person anyway: models write it so, people do not. */
const beginnings = new Set(['user', 'person', 'customer', 'i', 'he', 'she', 'they'])
/** Words that turn a statement around. */
const negations = new Set([
  ...[
    'not',
    'no',
    'never',
    'none',
    'nobody',
    'nothing',
    'neither',
    'nor',
    'without',
    'cannot',
    'cant',
    'dont',
    'doesnt',
  ],
  ...['isnt', 'wasnt', 'arent', 'wont', 'hates', 'dislikes', 'former', 'formerly', 'stopped', 'avoids', 'refuses'],
])

/** The words of a text in small letters, without apostrophes, in order. */
const wordsOf = (text: string): readonly string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/['’]/g, '')
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []

const weighty = (text: string): readonly string[] => {
  const words = wordsOf(text).filter((word) => !fillers.has(word))
  return words.length > 1 && beginnings.has(words[0] as string) ? words.slice(1) : words
}

/** What a text says whatever its case, marks and articles, and whether it begins with who it is about. A text of marks alone is itself. */
export const simplest = (text: string): string => weighty(text).join(' ') || text.trim()

/** The last of these words may be another form: `likes`, `like`, `liked`. */
const stem = (word: string): string => (word.length > 4 ? word.replace(/(?:ing|ed|es|s)$/, '') : word)

/**
 * Whether two texts say the same, of which a model says that they are near: one of them has at most one word more, which is neither
 * a number nor a negation, and the words that both have stand in the same order. Two memories of one thing do less harm than one that is lost.
 */
export const saysTheSame = (one: string, other: string): boolean => {
  const [left, right] = [weighty(one).map(stem), weighty(other).map(stem)]
  const [leftSet, rightSet] = [new Set(left), new Set(right)]
  const differing = [...left.filter((word) => !rightSet.has(word)), ...right.filter((word) => !leftSet.has(word))]
  if (differing.length > 1 || differing.some((word) => negations.has(word) || /\p{N}/u.test(word))) return false
  const shared = (words: readonly string[], others: ReadonlySet<string>) => words.filter((word) => others.has(word))
  return shared(left, rightSet).join(' ') === shared(right, leftSet).join(' ')
}
