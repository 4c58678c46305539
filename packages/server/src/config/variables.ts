/** Environment variables, or those of a `.env`. */
export type Variables = Readonly<Record<string, string | undefined>>
