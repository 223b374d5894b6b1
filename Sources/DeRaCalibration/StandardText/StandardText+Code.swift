extension StandardText {
  /// Programs, markup, data and what tools print.
  static let code: [String] = [
    """
    def median(values):
        \"""Return the median of a non-empty list of numbers.\"""
        ordered = sorted(values)
        middle = len(ordered) // 2
        if len(ordered) % 2 == 1:
            return ordered[middle]
        return (ordered[middle - 1] + ordered[middle]) / 2

    class Counter:
        def __init__(self):
            self.counts = {}

        def add(self, word):
            self.counts[word] = self.counts.get(word, 0) + 1
    """,
    """
    with open("notes.txt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            print(f"{number:4d}  {line.rstrip()}")

    #include <stdio.h>
    """,
    """
    int main(int argc, char **argv) {
      long sum = 0;
      for (int i = 1; i < argc; i++) sum += strtol(argv[i], NULL, 10);
      printf("%ld\\n", sum);
      return 0;
    }

    SELECT customer.name, COUNT(*) AS orders, SUM(amount) AS total
    FROM orders JOIN customer ON customer.id = orders.customer_id
    WHERE ordered_on >= '2021-01-01' GROUP BY customer.name ORDER BY total DESC LIMIT 10;

    {"id": 17, "title": "Walk the dog", "done": false, "tags": ["home", "daily"], "due": "2024-11-05T08:30:00Z"}

    <p>Read the <a href="/guide/install.html">installation guide</a> before you <em>begin</em>.</p>
    """,
    """
    $ git clone https://example.org/tools.git && cd tools
    $ make test 2>&1 | tail -n 3
    12 passed, 0 failed in 0.48 s

    # Changelog
    ## 2.1.0
    - Added: `--format json` for the `list` command.
    - Fixed: a crash when the configuration file was empty (#218).
    - Removed: support for version 1 of the file format.

    | month | visitors | rain (mm) | mean temperature |
    |-------|---------:|----------:|-----------------:|
    | May   |   10,482 |      61.0 |          13.9 °C |
    | June  |   12,907 |      48.5 |          17.2 °C |
    | July  |   15,336 |      39.1 |          19.8 °C |

    1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144. The ratio of neighbours approaches 1.618…; 17 × 23 = 391; 2^10 = \
    1024; √2 ≈ 1.41421.
    Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday. Contact: info@example.com, +44 20 7946 0123, \
    221B Baker Street.
    """,
    """
    // A queue of bounded size that drops the oldest element when it is full.
    class Ring<T> {
      private readonly items: (T | undefined)[];
      private start = 0;
      private length = 0;

      constructor(private readonly capacity: number) {
        if (capacity <= 0) throw new RangeError("capacity must be positive");
        this.items = new Array(capacity);
      }

      push(item: T): void {
        const end = (this.start + this.length) % this.capacity;
        this.items[end] = item;
        if (this.length < this.capacity) this.length += 1;
        else this.start = (this.start + 1) % this.capacity;
      }

      *[Symbol.iterator](): Iterator<T> {
        for (let i = 0; i < this.length; i++) {
          yield this.items[(this.start + i) % this.capacity] as T;
        }
      }
    }

    export async function fetchJson(url: string, retries = 3) {
      for (let attempt = 1; ; attempt++) {
        const response = await fetch(url, { headers: { accept: "application/json" } });
        if (response.ok) return response.json();
        if (attempt === retries) throw new Error(`${url}: ${response.status} ${response.statusText}`);
        await new Promise((resolve) => setTimeout(resolve, 200 * attempt));
      }
    }
    """,
    """
    import argparse
    import csv
    import sys
    from collections import defaultdict
    from pathlib import Path


    def read_rows(path):
        with Path(path).open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file)


    def totals(rows, key, value):
        \"""Sum `value` for every distinct `key`; rows without a number are reported and skipped.\"""
        sums = defaultdict(float)
        for number, row in enumerate(rows, start=2):
            try:
                sums[row[key]] += float(row[value])
            except (KeyError, ValueError) as error:
                print(f"line {number}: {error!r}", file=sys.stderr)
        return dict(sums)


    def main():
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("file")
        parser.add_argument("--by", default="city", help="the column to group by")
        arguments = parser.parse_args()
        result = totals(read_rows(arguments.file), arguments.by, "amount")
        for name, total in sorted(result.items(), key=lambda item: -item[1]):
            print(f"{name:<20} {total:>12,.2f}")


    if __name__ == "__main__":
        main()
    """,
    """
    #include <stdbool.h>
    #include <stddef.h>
    #include <string.h>

    /* Returns the index of the first place where needle occurs in text, or -1. */
    static ptrdiff_t find(const char *text, size_t length, const char *needle) {
      const size_t width = strlen(needle);
      if (width == 0) return 0;
      for (size_t i = 0; i + width <= length; i++) {
        if (text[i] == needle[0] && memcmp(text + i, needle, width) == 0) return (ptrdiff_t)i;
      }
      return -1;
    }

    struct node {
      struct node *left, *right;
      int key;
    };

    bool contains(const struct node *root, int key) {
      while (root != NULL) {
        if (key == root->key) return true;
        root = key < root->key ? root->left : root->right;
      }
      return false;
    }
    """,
    """
    use std::collections::HashMap;
    use std::io::{self, BufRead};

    #[derive(Debug, Clone, PartialEq)]
    enum Token {
        Number(f64),
        Operator(char),
    }

    fn tokenize(line: &str) -> Result<Vec<Token>, String> {
        line.split_whitespace()
            .map(|word| match word {
                "+" | "-" | "*" | "/" => Ok(Token::Operator(word.chars().next().unwrap())),
                _ => word.parse().map(Token::Number).map_err(|_| format!("unknown word: {word}")),
            })
            .collect()
    }

    fn main() -> io::Result<()> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for line in io::stdin().lock().lines() {
            for word in line?.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
                *counts.entry(word.to_lowercase()).or_insert(0) += 1;
            }
        }
        let mut sorted: Vec<_> = counts.into_iter().collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        for (word, count) in sorted.iter().take(10) {
            println!("{count:>6} {word}");
        }
        Ok(())
    }
    """,
    """
    package main

    import (
    \t"encoding/json"
    \t"log"
    \t"net/http"
    \t"sync"
    )

    type store struct {
    \tmu    sync.RWMutex
    \tnotes map[string]string
    }

    func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
    \tkey := r.URL.Path[1:]
    \tswitch r.Method {
    \tcase http.MethodGet:
    \t\ts.mu.RLock()
    \t\tnote, ok := s.notes[key]
    \t\ts.mu.RUnlock()
    \t\tif !ok {
    \t\t\thttp.NotFound(w, r)
    \t\t\treturn
    \t\t}
    \t\tjson.NewEncoder(w).Encode(map[string]string{"key": key, "note": note})
    \tdefault:
    \t\thttp.Error(w, "method not allowed", http.StatusMethodNotAllowed)
    \t}
    }

    func main() {
    \tlog.Fatal(http.ListenAndServe(":8080", &store{notes: map[string]string{}}))
    }
    """,
    """
    public final class Account {
        private final String owner;
        private long cents;

        public Account(String owner) {
            this.owner = java.util.Objects.requireNonNull(owner);
        }

        public synchronized void withdraw(long amount) {
            if (amount <= 0) throw new IllegalArgumentException("amount must be positive: " + amount);
            if (amount > cents) throw new IllegalStateException(owner + " has only " + cents + " cents");
            cents -= amount;
        }

        @Override
        public String toString() {
            return String.format("%s: %d.%02d", owner, cents / 100, cents % 100);
        }
    }
    """,
    """
    import Foundation

    /// A recipe with its ingredients, scaled to any number of people.
    struct Recipe: Codable, Identifiable {
      let id: UUID
      var title: String
      var servings: Int
      var ingredients: [Ingredient]

      struct Ingredient: Codable {
        var name: String
        var grams: Double
      }

      func scaled(to people: Int) -> Recipe {
        guard people > 0, people != servings else { return self }
        var copy = self
        let factor = Double(people) / Double(servings)
        copy.servings = people
        copy.ingredients = ingredients.map { Ingredient(name: $0.name, grams: $0.grams * factor) }
        return copy
      }
    }
    """,
    """
    CREATE TABLE visit (
      id          INTEGER PRIMARY KEY,
      patient_id  INTEGER NOT NULL REFERENCES patient (id),
      started_at  TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
      reason      TEXT CHECK (length(reason) <= 500)
    );

    WITH monthly AS (
      SELECT date_trunc('month', started_at) AS month, count(*) AS visits
      FROM visit
      GROUP BY 1
    )
    SELECT month, visits, visits - lag(visits) OVER (ORDER BY month) AS change
    FROM monthly
    WHERE month >= DATE '2023-01-01'
    ORDER BY month;
    """,
    """
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <title>Opening hours</title>
        <style>
          body { font-family: sans-serif; margin: 2rem auto; max-width: 40rem; }
          .closed { color: #a33; font-weight: bold; }
        </style>
      </head>
      <body>
        <h1>Opening hours</h1>
        <ul>
          <li>Tuesday to Friday: 10:00–18:00</li>
          <li class="closed">Monday: closed</li>
        </ul>
        <script>
          document.querySelectorAll("li").forEach((item, index) => {
            item.addEventListener("click", () => console.log(`item ${index} was clicked`));
          });
        </script>
      </body>
    </html>
    """,
    """
    name: tests
    on:
      push:
        branches: [main]
    jobs:
      build:
        runs-on: ubuntu-latest
        strategy:
          matrix:
            python: ["3.10", "3.12"]
        steps:
          - uses: actions/checkout@v4
          - run: pip install -e '.[dev]'
          - run: pytest --maxfail=1 --durations=5
    """,
    """
    #!/bin/sh
    # Copies what has changed since the last run and keeps the ten newest copies.
    set -eu
    source=${1:?usage: backup SOURCE TARGET}
    target=${2:?usage: backup SOURCE TARGET}
    stamp=$(date +%Y-%m-%d_%H%M%S)
    latest=$(ls -1d "$target"/20* 2>/dev/null | tail -n 1 || true)

    rsync -a --delete ${latest:+--link-dest="$latest"} "$source"/ "$target/$stamp"/
    ls -1d "$target"/20* | head -n -10 | while read -r old; do
      echo "removing $old" >&2
      rm -rf -- "$old"
    done
    """,
    """
    diff --git a/src/parser.py b/src/parser.py
    index 3f1c2ab..9d04e77 100644
    --- a/src/parser.py
    +++ b/src/parser.py
    @@ -41,7 +41,9 @@ class Parser:
         def expect(self, kind):
             token = self.next()
    -        assert token.kind == kind
    +        if token.kind != kind:
    +            line, column = token.position
    +            raise SyntaxError(f"{line}:{column}: expected {kind}, found {token.kind}")
             return token

    Traceback (most recent call last):
      File "app.py", line 12, in <module>
        print(average([]))
      File "app.py", line 7, in average
        return sum(values) / len(values)
    ZeroDivisionError: division by zero
    """,
  ]
}
