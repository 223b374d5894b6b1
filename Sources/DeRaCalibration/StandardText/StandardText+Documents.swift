extension StandardText {
  /// Manuals, minutes, abstracts, answers to common questions.
  static let documents: [String] = [
    """
    # Getting started

    This guide shows how to install the server, load some data and ask it a first question. It takes about ten \
    minutes.

    ## Requirements

    - Linux or macOS, 2 GB of memory
    - Python 3.10 or newer
    - A free port (8080 unless you choose another)

    ## Installation

    ```sh
    pip install tinysearch
    tinysearch init ~/search
    tinysearch serve --port 8080
    ```

    The first start creates an empty index. Open <http://localhost:8080/status>; you should see `{"documents": 0, \
    "ready": true}`.

    ## Adding documents

    Every document needs an `id` and a `text`. Other fields are stored and can be used as filters:

    | field  | type     | meaning                          |
    |--------|----------|----------------------------------|
    | `id`   | string   | unique; an old one is replaced   |
    | `text` | string   | what is searched                 |
    | `lang` | string   | optional, such as `en` or `de`   |
    | `date` | ISO 8601 | optional, for sorting            |

    > **Note:** documents larger than 1 MB are refused with status 413. Split them at chapters.

    ## Troubleshooting

    *The port is in use.* Another program listens on it. Choose a different one with `--port`, or find the program \
    with `lsof -i :8080`.

    *Results are empty.* Check that the language of the query is the one of the documents. The index does not \
    translate.
    """,
    """
    NAME
           split - cut a file into pieces

    SYNOPSIS
           split [OPTION]... [FILE [PREFIX]]

    DESCRIPTION
           Output pieces of FILE to PREFIXaa, PREFIXab, ...; the default size is 1000 lines, and the default PREFIX \
    is 'x'.
           With no FILE, or when FILE is -, read standard input.

           -b, --bytes=SIZE
                  put SIZE bytes per output file; SIZE may have a multiplier suffix: K, M or G

           -l, --lines=NUMBER
                  put NUMBER lines per output file

    EXIT STATUS
           0 if all pieces were written, 1 otherwise.
    """,
    """
    In a transformer, every layer first lets each position look at the positions before it and then changes each \
    position on its own. For the first step the hidden state $x_t$ is multiplied with three matrices, which gives a \
    query, a key and a value. The weight of position $s$ is proportional to $\\exp(q_t \\cdot k_s / \\sqrt{d})$, and \
    the output is the weighted mean of the values. For the second step a small network with one hidden layer is \
    applied. Both results are added to what came in, so that information can pass through a layer unchanged. \
    Training adjusts all matrices so that the probability of the next word of the text grows a little with each step.
    """,
    """
    **Abstract.** We measured the growth of 212 oak seedlings in three soils over two years. Seedlings in loam were \
    on average 41 % taller than those in sand (95 % confidence interval 33–49 %), while the difference between loam \
    and clay was not significant (p = 0.21). Watering twice a week instead of once had no effect beyond the first \
    summer. We conclude that the choice of soil matters more than frequent watering, and recommend that young trees \
    in cities be planted with at least 0.5 m³ of loam.
    """,
    """
    MINUTES of the meeting of 14 February

    Present: K. Adler (chair), J. Mbeki, S. Rossi, L. Tran (minutes). Apologies: P. Nowak.

    1. The minutes of the last meeting were approved.
    2. Budget: S. Rossi reported a surplus of 3,420.00. It was agreed to repair the roof before winter; two offers \
    are to be obtained by 15 March.
    3. Website: the new pages are ready. L. Tran asked for photographs in high resolution.
    4. Any other business: none.

    The next meeting takes place on 13 March at 7 p.m. in Room 2.
    """,
    """
    Q: How long does delivery take?
    A: Orders placed before noon leave our warehouse the same day and usually arrive within two to three working \
    days. For islands and mountain areas please allow one day more.

    Q: Can I return an item that I have used?
    A: Yes, within 30 days, as long as it is complete and undamaged. Put the form in the box and bring it to any \
    post office; we pay the postage.

    Q: Do you ship abroad?
    A: At the moment to Austria, Belgium, Denmark, France, Luxembourg, the Netherlands and Switzerland.
    """,
  ]
}
