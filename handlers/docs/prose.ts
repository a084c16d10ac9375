import { html } from 'hono/html';

export type Markup = ReturnType<typeof html>;

/** Text in which names stand between backticks. */
export function prose(text: string): readonly Markup[] {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}
