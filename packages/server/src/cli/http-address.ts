import { InvalidArgumentError } from 'commander'

/** An address on the command line. @throws InvalidArgumentError. */
export const httpAddress = (text: string): string => {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new InvalidArgumentError('It is no http or https address.')
  return text
}
