import { defineConfig } from "vite";

export default defineConfig({
  base: "/static/web/",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    manifest: "manifest.json", // not in .vite/: some tools skip dot folders
    target: "baseline-widely-available",
    assetsInlineLimit: 0, // no data: fonts, so that font-src stays 'self'
    modulePreload: { polyfill: false },
    rolldownOptions: { input: "src/main.ts" },
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    strictPort: true,
    origin: "http://127.0.0.1:5173",
    cors: { origin: /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/ },
  },
});
