// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// How a page looks: on paper, on a phone, and in the dark.
enum StoryStyle {
    /// The sheet of styles. It names nothing outside of the page.
    static let sheet: StaticString = """
        :root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #d0d4d9;
          --faint: #57606a; --head: #f3f4f6; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --paper: #14171a;
          --line: #3a4048; --faint: #a3abb4; --head: #20252b; } }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.5 system-ui, sans-serif; }
        main, footer { max-width: 62rem; margin: 0 auto; padding: 1rem; }
        h1, h2 { line-height: 1.2; }
        .strong { font-weight: 600; }
        .faint, footer, caption { color: var(--faint); }
        .wide { overflow-x: auto; margin: 1rem 0; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        caption { text-align: left; padding: 0.25rem 0; }
        th, td { border: 1px solid var(--line); padding: 0.25rem 0.5rem; text-align: left;
          vertical-align: top; }
        .long { overflow-wrap: anywhere; min-width: 10rem; }
        thead th { background: var(--head); }
        tbody th { font-weight: 400; min-width: 6rem; }
        @media print { :root { --ink: #000000; --paper: #ffffff; --line: #999999;
          --faint: #444444; --head: #eeeeee; } body { font-size: 10pt; }
          .wide { overflow: visible; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
        """
}
