// Starts the API explorer. A key that is entered stays in this page: nothing is stored, no cookie is sent, and the document
// comes from this server alone.
const explorer = document.getElementById('explorer')

globalThis.SwaggerUIBundle({
  domNode: explorer,
  url: explorer.dataset.document,
  presets: [globalThis.SwaggerUIBundle.presets.apis],
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
