/**
 * Kinds of what is taken out, and how each is found. Linear in the length of the text: no pattern repeats within a repetition, and one that may
 * begin within what it has tried in vain tries a bounded length.
 */
const builtIn: readonly (readonly [string, RegExp])[] = [
  ['private_key', /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,8000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g],
  ['data', /\bdata:[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60};base64,[A-Za-z0-9+/=]+/gi],
  ['token', /\beyJ[A-Za-z0-9_-]{8,2048}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g],
  [
    'key',
    /\b(?:hg_(?:sk|pk)_|sk-|rk-|pk-|sk_live_|ghp_|gho_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|AIza)[A-Za-z0-9_-]{10,}/g,
  ],
  ['key', /\bBearer\s+[A-Za-z0-9._~+/-]{8,}=*/gi],
  ['email', /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g],
  ['iban', /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g],
  ['phone', /\+\d{1,3}[ ./-]?(?:\(\d{1,5}\)[ ./-]?)?\d(?:[ ./-]?\d){6,13}\b/g],
]
const cardShaped = /\b\d(?:[ -]?\d){12,18}\b/g

/** The check digit of card numbers (ISO/IEC 7812-1, annex B), so that other long numbers stay. */
const isCard = (text: string): boolean => {
  const digits = text.replace(/\D/g, '')
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const weighed = index % 2 === 1 ? digit * 2 : digit
    sum += weighed > 9 ? weighed - 9 : weighed
  }
  return sum % 10 === 0
}

/** Takes secrets and personal data out of texts; `patterns` are those of the operator, above ours. */
export const createRedaction = (patterns: readonly string[]) => {
  const own = patterns.map((pattern) => ['custom', new RegExp(pattern, 'gu')] as const)
  return (text: string): { readonly text: string; readonly count: number } => {
    let count = 0
    let clean = text
    for (const [kind, pattern] of [...own, ...builtIn]) {
      clean = clean.replace(pattern, (found) => {
        if (found === '') return found
        count++
        return `[redacted:${kind}]`
      })
    }
    clean = clean.replace(cardShaped, (found) => {
      if (!isCard(found)) return found
      count++
      return '[redacted:card]'
    })
    return { text: clean, count }
  }
}
