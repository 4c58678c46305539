import { type Static, Type } from 'typebox'
import { nullable } from './inference.ts'

const closed = { additionalProperties: false } as const
const name = Type.String({ minLength: 1, maxLength: 200 })

/** A folder: it is there while a session is in it. */
const FolderSchema = Type.Object(
  {
    object: Type.Literal('session.folder'),
    name,
    session_count: Type.Integer({ minimum: 0, description: 'Also those of the archive.' }),
  },
  { ...closed, title: 'SessionFolder' },
)
export type FolderView = Static<typeof FolderSchema>

/** Answer of `GET /v1/sessions/folders`. */
export const FolderListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(FolderSchema),
    has_more: Type.Boolean({ description: 'Whether there are more than 1,000.' }),
  },
  { ...closed, title: 'SessionFolderList' },
)

/** Body of `PATCH /v1/sessions/folders`. */
export const RenameFolderSchema = Type.Object(
  { name, new_name: nullable(name, { description: 'Null: its sessions are in no folder any more.' }) },
  { ...closed, title: 'RenameFolder', examples: [{ name: 'School', new_name: 'University' }] },
)
export type RenameFolder = Static<typeof RenameFolderSchema>

/** What it answers. */
export const FolderRenamedSchema = Type.Object(
  {
    object: Type.Literal('session.folder_renamed'),
    name: nullable(name),
    moved: Type.Integer({ minimum: 0, description: 'Sessions that are there now and were not before.' }),
    has_more: Type.Boolean({ description: 'Whether sessions are left in the former folder: ask again.' }),
  },
  { ...closed, title: 'SessionFolderRenamed' },
)
