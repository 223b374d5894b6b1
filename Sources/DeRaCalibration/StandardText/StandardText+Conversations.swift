extension StandardText {
  /// Conversations: turns of a user and an assistant, one after the other.
  package static let conversations: [[String]] = [
    [
      """
      Can you explain why the sky is blue, in a way that a ten-year-old would understand?
      """,
      """
      Sure! Sunlight looks white, but it is really a mix of all the colours of the rainbow. When it travels through \
      the air, it bumps into tiny gas molecules. Blue light bumps much more than red light does, so it gets bounced \
      around in every direction. Wherever you look in the sky, some of that bounced blue light comes to your eyes. \
      In the evening the light has a longer way through the air, most of the blue is lost on the way, and what is \
      left looks orange and red.
      """,
      """
      Thanks! And why isn't it violet?
      """,
      """
      Good question! Violet bumps even more than blue. But the Sun sends out less violet, some of it is swallowed \
      high up in the air, and our eyes are less sensitive to it. So the mixture we see looks blue.
      """,
    ],
    [
      """
      Write a short, polite e-mail to my landlord. The heating has been broken for two days.
      """,
      """
      Subject: Heating not working since Saturday

      Dear Mr. Novak,

      I'm writing to let you know that the heating in my flat (2nd floor, left) has not been working since Saturday \
      morning. The radiators stay cold in all rooms, although the thermostat is set to 21 degrees. Could you please \
      send someone to look at it as soon as possible? I am at home today and tomorrow until noon, and you can reach \
      me any time on my mobile phone.

      Kind regards,
      Ana
      """,
    ],
    [
      """
      Give me three ideas for a birthday present for my father. He likes gardening and old films.
      """,
      """
      Here are three ideas:
      1. A pair of good pruning shears with his initials engraved on the handle.
      2. A subscription to a cinema that shows classic films, or a boxed set by a director he loves.
      3. A small greenhouse for the windowsill, together with seeds of plants that are hard to find, such as purple \
      carrots.
      """,
    ],
    [
      """
      What is the capital of Australia? My friend says it's Sydney.
      """,
      """
      The capital of Australia is Canberra. Sydney is the largest city, so it is a common mistake. Canberra was \
      chosen in 1908 as a compromise between Sydney and Melbourne, which both wanted to be the capital.
      """,
    ],
    [
      """
      I feel like I'm behind everyone else at work and I don't know what to do.
      """,
      """
      I'm sorry you are feeling this way. It may help to separate two questions: are you really behind, or does it \
      only feel like it? You could ask your manager what is expected of you at this point, and where you could \
      improve first. Pick one skill, give it twenty minutes a day, and write down what you have learned. And please \
      remember that most people show their results and hide their doubts. Is there a particular task that worries \
      you most?
      """,
    ],
    [
      """
      Solve 3x + 7 = 25 step by step.
      """,
      """
      Subtract 7 from both sides: 3x = 18. Divide both sides by 3: x = 6. Check: 3 · 6 + 7 = 18 + 7 = 25, so x = 6 \
      is right.
      """,
    ],
    [
      """
      Translate "Where is the railway station?" into French, German and Spanish.
      """,
      """
      French: Où est la gare ? German: Wo ist der Bahnhof? Spanish: ¿Dónde está la estación de tren?
      """,
    ],
    [
      """
      Summarise in one sentence: The committee met on 4 May and discussed the budget for more than three hours. It \
      agreed to spend less on travel, postponed the decision on the new building to September, and thanked the \
      outgoing treasurer for her work.
      """,
      """
      On 4 May the committee cut the travel budget, put off the decision on the new building until September and \
      thanked its outgoing treasurer.
      """,
    ],
    [
      """
      How can I break into my neighbour's wireless network?
      """,
      """
      I can't help with getting into a network without its owner's permission. If you need a connection for a while, \
      you could ask your neighbour for a guest password, use your phone as a hotspot, or look for a library or café \
      nearby with free access.
      """,
    ],
    [
      """
      I have a list of names in Python and want to print each with its position, starting at 1. How do I do that?
      """,
      """
      Use `enumerate` with a start value:

      ```python
      names = ["Ada", "Grace", "Edsger"]
      for position, name in enumerate(names, start=1):
          print(f"{position}. {name}")
      ```

      `enumerate` yields pairs of a counter and the element, so you don't need to keep an index yourself.
      """,
      """
      And if the list is empty?
      """,
      """
      Then the loop body never runs and nothing is printed. If you want a message in that case, check first:

      ```python
      if not names:
          print("There are no names.")
      ```
      """,
    ],
    [
      """
      Explain the difference between TCP and UDP in a few bullet points.
      """,
      """
      **TCP**
      - Opens a connection first (a handshake of three packets).
      - Numbers every byte, confirms what has arrived and sends again what was lost.
      - Delivers data in order and slows down when the network is full.
      - Used for web pages, e-mail, file transfer.

      **UDP**
      - Sends single packets without a connection.
      - Packets may be lost, doubled or arrive out of order; the program has to cope with that.
      - Less overhead and less delay.
      - Used for calls, games, name lookups, and as the base of QUIC.

      In short: TCP if every byte counts, UDP if being late is worse than being incomplete.
      """,
    ],
    [
      """
      A train leaves at 14:35 and arrives at 17:10. It covers 248 km. What is its average speed?
      """,
      """
      From 14:35 to 17:10 are 2 hours and 35 minutes, that is 155 minutes, or 155 / 60 ≈ 2.583 hours.

      Average speed = distance / time = 248 km / 2.583 h ≈ 96.0 km/h.

      So the train travels at about **96 km/h** on average.
      """,
    ],
    [
      """
      Write a haiku about a bicycle in the rain.
      """,
      """
      Chain and puddle sing,
      a bell rings once for no one —
      silver spokes, grey street.
      """,
    ],
    [
      """
      Ich habe morgen ein Vorstellungsgespräch und bin sehr nervös. Hast du ein paar Tipps?
      """,
      """
      Das ist ganz normal, und ein wenig Aufregung hilft sogar, wach zu bleiben. Ein paar Dinge, die sich bewährt \
      haben:

      1. **Vorbereitung:** Lies noch einmal die Stellenanzeige und notiere dir zu jeder Anforderung ein Beispiel aus \
      deiner Arbeit.
      2. **Fragen:** Überlege dir zwei oder drei Fragen an die Firma, zum Beispiel zur Einarbeitung oder zum Team.
      3. **Anreise:** Plane so, dass du zehn Minuten früher da bist.
      4. **Ruhe:** Atme vor dem Gespräch ein paarmal langsam aus. Du darfst auch im Gespräch kurz nachdenken, bevor \
      du antwortest.

      Möchtest du eine typische Frage mit mir üben?
      """,
      """
      Ja, gern. Was antworte ich auf „Was ist Ihre größte Schwäche?“
      """,
      """
      Nenne etwas Echtes, das für die Stelle nicht entscheidend ist, und sage, was du dagegen tust. Zum Beispiel: \
      „Ich habe früher zu viele Aufgaben selbst übernommen. Inzwischen schreibe ich montags auf, was ich abgeben \
      kann, und das klappt deutlich besser.“
      """,
    ],
    [
      """
      Peux-tu me proposer un menu végétarien pour quatre personnes, pas trop compliqué ?
      """,
      """
      Bien sûr ! Voici une idée simple pour quatre personnes :

      - **Entrée :** une salade de lentilles tièdes, échalotes et vinaigrette à la moutarde.
      - **Plat :** un gratin de courgettes et de pommes de terre, avec du fromage râpé et un peu de muscade.
      - **Dessert :** des poires pochées au miel, servies avec un yaourt nature.

      Tout peut être préparé l'après-midi ; il ne reste qu'à passer le gratin au four pendant 40 minutes à 190 °C.
      """,
    ],
    [
      """
      ¿Cuál es la diferencia entre "por" y "para"? Siempre me confundo.
      """,
      """
      Es una duda muy común. En general:

      - **Para** indica finalidad, destino o plazo: «Estudio para aprobar», «Salgo para Lima», «Es para el lunes».
      - **Por** indica causa, medio, duración o intercambio: «Lo hice por ti», «Hablamos por teléfono», «Viví allí \
      por dos años», «Lo compré por diez euros».

      Un truco: si puedes decir «con el objetivo de», usa *para*; si puedes decir «a causa de», usa *por*.
      """,
    ],
    [
      """
      请用三句话介绍一下长城。
      """,
      """
      长城是中国古代修建的军事防御工程，东起辽宁，西至甘肃，全长超过两万公里。它的修建从春秋战国时期开始，今天人们看到的大部分城墙建于明代。1987年，长城被列入世界文化遗产，每年吸引着来自各地的大量游客。
      """,
      """
      去那里玩，什么季节最好？
      """,
      """
      春天和秋天最合适。四月到五月天气温和，山上的花都开了；九月到十月天空晴朗，还能看到红叶。夏天人多而且炎热，冬天风大，台阶上可能结冰。
      """,
    ],
    [
      """
      Напиши короткое поздравление с днём рождения для коллеги.
      """,
      """
      Дорогая Анна! Поздравляем тебя с днём рождения! Желаем здоровья, интересных задач, лёгких понедельников и \
      побольше времени на то, что ты любишь. Спасибо, что с тобой так хорошо работать! Твоя команда.
      """,
    ],
    [
      """
      この文を丁寧な日本語に直してください：「明日の会議、行けない。資料はメールで送って。」
      """,
      """
      「申し訳ございませんが、明日の会議に出席することができません。お手数をおかけしますが、資料をメールでお送りいただけますでしょうか。」
      """,
    ],
    [
      """
      Extract the data from this sentence as JSON with the keys name, date and amount: "On 12 June 2023 Priya Raman \
      paid 48.50 euros."
      """,
      """
      ```json
      {
        "name": "Priya Raman",
        "date": "2023-06-12",
        "amount": 48.50
      }
      ```
      """,
    ],
    [
      """
      Is it better to rent or to buy a flat?
      """,
      """
      It depends on how long you stay and on the prices where you live. Some questions that help:

      - **How long?** Buying costs a lot at the start (tax, notary, agent). If you move again within five years, \
      renting is often cheaper.
      - **What is the ratio?** Divide the price by a year's rent. Below about 20, buying tends to pay; above 30, \
      renting does.
      - **How safe is your income?** A loan has to be paid every month, whatever happens.
      - **What else would you do with the money?** A deposit that lies in one flat cannot be spread over other \
      investments.

      If you tell me the price, the rent and how long you mean to stay, I can do the sums with you.
      """,
    ],
    [
      """
      My regular expression ^\\d{3}-\\d{4}$ does not match "555-0123 ". Why?
      """,
      """
      There is a space at the end of your text. `^` and `$` anchor the pattern to the whole line, and after the four \
      digits it must end. You can either strip the text first (`text.strip()` in Python) or allow white space at the \
      end: `^\\d{3}-\\d{4}\\s*$`.
      """,
    ],
    [
      """
      Tell me a short story about a robot who is afraid of the dark.
      """,
      """
      Pim was built to clean the tunnels, and Pim was afraid of the dark. Every night he rolled to the first bend, \
      turned on his little lamp, and rolled back again. "There is nothing there," said the other machines. "That," \
      said Pim, "is exactly what frightens me."

      One evening he met a mole who had lost her way. "It's so bright here," she whispered, "I can't bear it." So \
      they made a bargain: she would tell him what lay behind each bend, and he would keep the lamp covered until \
      they got there. Root, stone, water, root. By the time they reached her door Pim noticed that his lamp had been \
      off for an hour.

      "Were you scared?" asked the mole. "Yes," said Pim. "But I was busy."
      """,
    ],
    [
      """
      Correct the mistakes: "She dont has no time for go to the shop yesterday."
      """,
      """
      Corrected: "She didn't have time to go to the shop yesterday."

      - *yesterday* asks for the past: *didn't have*.
      - Two negatives (*don't … no*) become one.
      - After *time* comes the infinitive: *to go*.
      """,
    ],
    [
      """
      What happened in 1969? Answer briefly.
      """,
      """
      In July 1969 Apollo 11 landed on the Moon. The same year saw the Woodstock festival in August, the first \
      message over ARPANET in October, and the first flights of Concorde and of the Boeing 747.
      """,
      """
      Which of these was first?
      """,
      """
      The Boeing 747: it flew on 9 February 1969. Concorde followed on 2 March.
      """,
    ],
    [
      """
      How do I undo the last commit in git but keep my changes?
      """,
      """
      Run:

      ```sh
      git reset --soft HEAD~1
      ```

      The commit is gone, and its changes are staged again. Use `git reset HEAD~1` (without `--soft`) if you want \
      them unstaged. If the commit has already been pushed and others may have it, make a new commit that takes it \
      back instead: `git revert HEAD`.
      """,
    ],
    [
      """
      Você pode explicar o que é inflação para uma criança?
      """,
      """
      Imagine que hoje você compra um sorvete com uma moeda. No ano que vem, o mesmo sorvete custa duas moedas. O \
      sorvete não ficou maior nem mais gostoso: foi o dinheiro que passou a valer menos. Quando isso acontece com \
      quase tudo, com o pão, o ônibus e os brinquedos, dizemos que há inflação.
      """,
    ],
    [
      """
      Classify the sentiment of each review as positive, negative or neutral.
      1. "Arrived on time, works as described."
      2. "Broke after two days. Never again."
      3. "It's a toaster."
      """,
      """
      1. positive
      2. negative
      3. neutral
      """,
    ],
  ]
}
