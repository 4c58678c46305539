/** What a sample needs of its surroundings: `HEADGATE_URL`, `HEADGATE_API_KEY` and the like, and in a browser the origin of its page. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string>>
  readonly origin?: string
}

/** How a sample ended, and what it wrote; the code is null when it was killed. */
export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** Runs samples of one language, by their path, as their readers would. */
export interface Runner {
  readonly run: (file: string, surroundings: Surroundings) => Promise<Ended>
  readonly stop: () => Promise<void>
}
