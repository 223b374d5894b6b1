/// The look and the frame of the reports that are one page with nothing to load, in light and dark.
package enum PageStyle {
  static let css = """
    :root{color-scheme:light dark}
    body{font:16px/1.5 system-ui,"Helvetica Neue",Arial,sans-serif;margin:2rem auto;padding:0 1rem;max-width:84rem;color:#1f1f1f;background:#fff}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,34rem),1fr));gap:1rem}
    figure{margin:0;max-width:50rem}
    figure svg{width:100%;height:auto;display:block}
    .wide{overflow-x:auto}
    table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
    th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid #dcdcdc;vertical-align:bottom}
    th:first-child,td.text{text-align:left}
    td{white-space:nowrap}
    td.text{overflow-wrap:anywhere;white-space:normal}
    small{color:#6b6b6b}
    h3{font-size:1rem;white-space:pre-wrap}
    .answers{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(14rem,1fr);gap:1rem;overflow-x:auto}
    .answers div{border:1px solid #dcdcdc;border-radius:.4rem;padding:.5rem .75rem}
    .answers h4{margin:0}
    .answers p{margin:.25rem 0;white-space:pre-wrap;overflow-wrap:anywhere}
    @media (prefers-color-scheme:dark){body{color:#e8e8e8;background:#16181c}small{color:#b0b0b0}
    th,td,.answers div{border-color:#3d4148}}

    """

  /// A page of a title and what follows it.
  /// - Parameters:
  ///   - title: plain text.
  ///   - body: HTML, its last line ended.
  package static func page(titled title: String, _ body: String) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(escaped(title))</title>
    <style>
    \(css)</style>
    </head>
    <body>
    <h1>\(escaped(title))</h1>
    \(body)</body>
    </html>

    """
  }
}
