import type { Page, PageQuery } from '@headgate/contract/keys.ts'

/** Everything of a list, page after page. */
export const collectPages = async <Item>(
  list: (query: PageQuery) => Promise<Page<Item>>,
  query: PageQuery = {},
): Promise<Item[]> => {
  const items: Item[] = []
  let after: string | null = null
  do {
    const page: Page<Item> = await list({ ...query, limit: '100', ...(after !== null && { after }) })
    items.push(...page.data)
    after = page.next_cursor
  } while (after !== null)
  return items
}
