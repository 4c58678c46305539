import type { Plugin } from 'vitepress'

/** In a component of the theme: what stands there, and what is accessible instead. */
const mended: Readonly<Record<string, readonly (readonly [found: RegExp, instead: string])[]>> = {
  // The heading of a group is a button; the mark in it must not be another.
  'VPSidebarItem.vue': [
    [/\s+role="button"\s+aria-label="toggle section"/, ' aria-hidden="true"'],
    [/\s+@keydown\.enter="onCaretClick"\s+tabindex="0"/, ''],
    [/:role="itemRole"/, ':role="itemRole" :aria-expanded="itemRole && !collapsed"'],
  ],
  // The keys that open the search are shown by the style sheet, and no part of the button's words.
  'VPNavBarSearchButton.vue': [[/(<kbd class="DocSearch-Button-Key">)K(?=<)/, '$1']],
}

/** Mends what of the theme keeps people out; fails the build where the theme has changed and this has to be looked at again. */
export const withoutBarriers: Plugin = {
  name: 'headgate:without-barriers',
  enforce: 'pre',
  transform: (code, id) => {
    const name = /([^/]+\.vue)$/.exec(id)?.[1] ?? ''
    return mended[name]?.reduce((text, [found, instead]) => {
      if (!found.test(text)) throw new Error(`${name} no longer holds ${found}`)
      return text.replace(found, instead)
    }, code)
  },
}
