import type { Database } from '../../kernel/db.ts'

/** What is known of the life of a secret under which a backend signs its users. */
export interface UserSecretLife {
  readonly secret_id: string
  readonly project_id: string
  readonly created_at: Date
  readonly expires_at: Date | null
}

/** All of them, by their ids. @throws DatabaseUnavailable */
export const readUserSecretLives = async (database: Database): Promise<UserSecretLife[]> => {
  const { rows } = await database.read('system', ({ query }) =>
    query<UserSecretLife>(
      'SELECT secret_id, project_id, created_at, expires_at FROM headgate.user_secrets ORDER BY secret_id',
    ),
  )
  return rows
}
