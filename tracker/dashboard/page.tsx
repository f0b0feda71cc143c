// Entry of the dashboard page: puts the app into the document that the tracker serves at `/`.
// Everything it shows comes from the tracker's own API.

import { render } from 'preact';
import { App } from './app.tsx';

const root = document.getElementById('app');
if (root) render(<App />, root);
