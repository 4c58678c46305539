// Starts the API explorer. A key that is entered stays in this page: nothing is stored, no cookie is sent, and the document
// comes from this server alone.
const explorer = document.getElementById('explorer')

/** The path of a route is text: as a link it would stand inside the button that opens the route. */
const pathsAsText = {
  wrapComponents: {
    DeepLink:
      (_link, { React }) =>
      ({ text }) =>
        React.createElement('span', null, text),
  },
}

/** What swagger-ui leaves without a name for those who do not see it, or out of reach of the keyboard. */
const missing = [
  ['.close-modal', 'aria-label', () => 'Close'],
  ['select:not([aria-label])', 'aria-label', (select) => (select.id === 'servers' ? 'Server' : 'Choice')],
  ['textarea:not([aria-label])', 'aria-label', () => 'Request body'],
  ['pre.microlight:not([tabindex])', 'tabindex', () => '0'],
]
const mend = () => {
  for (const [selector, attribute, valueOf] of missing)
    for (const element of explorer.querySelectorAll(selector)) element.setAttribute(attribute, valueOf(element))
  // These say in words what they do; another name would hide the words from speech control.
  for (const button of explorer.querySelectorAll('.auth-btn-wrapper [aria-label]')) button.removeAttribute('aria-label')
}
new MutationObserver(mend).observe(explorer, { childList: true, subtree: true })

globalThis.SwaggerUIBundle({
  domNode: explorer,
  url: explorer.dataset.document,
  presets: [globalThis.SwaggerUIBundle.presets.apis],
  plugins: [pathsAsText],
  layout: 'BaseLayout',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: false,
  validatorUrl: null,
  withCredentials: false,
})
