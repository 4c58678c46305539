import {
  FolderListSchema,
  FolderRenamedSchema,
  type FolderView,
  type RenameFolder,
  RenameFolderSchema,
} from '@headgate/contract/conversation-folders.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { FolderStore } from './conversation-folders.store.ts'
import { ownerOf } from './conversation-owner.ts'

const MOST_FOLDERS = 1_000
const MOST_MOVED = 1_000

/** `/v1/sessions/folders`. */
export const folderRoutes = (folders: FolderStore): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/v1/sessions/folders',
    summary: 'Lists the folders of sessions, by name.',
    access: 'caller',
    browser: 'person',
    reference: {
      operationId: 'listSessionFolders',
      tag: 'Sessions',
      description: 'A folder is there while a session is in it.',
      answer: FolderListSchema,
    },
    handle: async ({ exchange }) => {
      const found = await folders.list(ownerOf(exchange), MOST_FOLDERS + 1)
      const data = found
        .slice(0, MOST_FOLDERS)
        .map(({ name, sessions }): FolderView => ({ object: 'session.folder', name, session_count: sessions }))
      return { kind: 'json', value: { object: 'list', data, has_more: found.length > MOST_FOLDERS } }
    },
  }),
  defineRoute({
    method: 'PATCH',
    path: '/v1/sessions/folders',
    summary: 'Gives a folder of sessions another name.',
    access: 'caller',
    browser: 'person',
    body: RenameFolderSchema,
    reference: {
      operationId: 'renameSessionFolder',
      tag: 'Sessions',
      description:
        'Its sessions join those that are there already. Each of them changes, 1,000 at once; the call may be repeated.',
      answer: FolderRenamedSchema,
    },
    handle: async ({ body, exchange }) => {
      const { name, new_name: to } = body as RenameFolder
      const moved = await folders.rename(ownerOf(exchange), name, to, MOST_MOVED)
      const value = { object: 'session.folder_renamed', name: to, moved, has_more: moved === MOST_MOVED }
      return { kind: 'json', value }
    },
  }),
]
