extension StandardText {
  /// Prose in sixteen languages besides English.
  static let languages: [String] = [
    """
    Der Bäcker in unserer Straße öffnet um halb sechs, wenn es im Winter noch stockdunkel ist. Wer früh zur Arbeit \
    muss, kennt das gelbe Fenster schon von weitem. Drinnen ist es warm, es riecht nach Roggen und Kaffee, und die \
    alte Frau Petersen weiß von jedem, was er nimmt: zwei Brötchen mit Mohn, ein halbes Graubrot, geschnitten. Seit \
    die Mieten gestiegen sind, fragt sich das ganze Viertel, wie lange es den Laden noch geben wird. Die Verwaltung \
    hat den Vertrag nur um ein Jahr verlängert. „Dann backen wir eben ein Jahr“, sagt Frau Petersen und wischt das \
    Mehl von der Theke.
    """,
    """
    Die Donau ist nach der Wolga der zweitlängste Fluss Europas. Sie entspringt im Schwarzwald, durchquert oder \
    berührt zehn Staaten und mündet nach rund 2850 Kilometern ins Schwarze Meer. Ihr Einzugsgebiet umfasst etwa 800 \
    000 Quadratkilometer. Für die Schifffahrt wurde der Fluss über weite Strecken begradigt und gestaut; im Delta \
    dagegen leben noch heute Pelikane, Störe und mehr als dreihundert Vogelarten.
    """,
    """
    Le marché se tient chaque samedi sur la place de l'église. Dès sept heures, les maraîchers déchargent leurs \
    cageots de tomates, de salades et de haricots verts ; un peu plus tard arrivent le fromager, puis la vendeuse de \
    miel, qui a toujours une histoire à raconter. À midi, les prix baissent, les enfants courent entre les tables, \
    et le café du coin n'a plus une chaise libre. Ma grand-mère disait qu'on reconnaît un village à son marché. Elle \
    n'avait sans doute pas tort.
    """,
    """
    La loi du 9 décembre 1905 établit en France la séparation des Églises et de l'État. Elle garantit la liberté de \
    conscience et le libre exercice des cultes, sous réserve des restrictions prévues dans l'intérêt de l'ordre \
    public. La République ne reconnaît, ne salarie ni ne subventionne aucun culte. Les édifices construits avant \
    cette date appartiennent, pour la plupart, aux communes.
    """,
    """
    El faro llevaba veinte años apagado cuando Inés compró la casa. Nadie en el pueblo entendía para qué quería una \
    mujer sola aquella torre llena de viento. Ella se reía y decía que le gustaba dormir con ruido. La primera noche \
    subió los ciento doce escalones con una linterna y encontró, sobre la mesa del antiguo farero, un cuaderno \
    abierto. La última anotación decía: «Hoy no ha pasado ningún barco. Mañana, quizá». Inés buscó un lápiz y \
    escribió debajo la fecha.
    """,
    """
    Según el informe publicado ayer, el consumo de energía solar creció un 18 % en el último año y cubre ya casi una \
    quinta parte de la demanda del país. El ministerio prevé instalar otros cuatro gigavatios antes de 2027, aunque \
    las empresas advierten de que la red de transporte necesita inversiones urgentes.
    """,
    """
    Per fare un buon risotto ci vuole pazienza. Si fa appassire la cipolla nel burro, si aggiunge il riso e lo si \
    lascia tostare per due minuti, finché i chicchi diventano lucidi. Poi si sfuma con il vino bianco e si versa il \
    brodo caldo, un mestolo alla volta, mescolando spesso. Dopo circa diciotto minuti il riso è pronto: si toglie \
    dal fuoco, si unisce una noce di burro con il parmigiano e si lascia riposare coperto.
    """,
    """
    O rio passava por trás da escola, e nas tardes de calor ninguém prestava atenção à aula. A professora sabia \
    disso. Um dia fechou o livro, abriu a porta e disse que a lição de geografia seria lá fora. Aprendemos naquele \
    dia o que é uma margem, uma nascente e uma corrente; e aprendemos também que a água, mesmo em março, pode ser \
    muito fria.
    """,
    """
    Het museum aan de gracht is na drie jaar verbouwing weer open. In de nieuwe vleugel hangen vooral schilderijen \
    uit de zeventiende eeuw, maar er is ook ruimte voor foto's en voor werk van jonge kunstenaars uit de stad. \
    Kaartjes zijn alleen via de website te koop; wie jonger is dan achttien, mag gratis naar binnen.
    """,
    """
    Wczesnym rankiem nad jeziorem unosiła się mgła, a łodzie rybaków wyglądały jak cienie. Stary Marek mówił, że \
    ryby biorą najlepiej wtedy, gdy człowiek przestaje o nich myśleć. Siedział więc na pomoście, pił herbatę z \
    termosu i opowiadał wnukowi o zimie, kiedy lód pękł z hukiem głośniejszym niż wystrzał.
    """,
    """
    Поезд пришёл на станцию ночью, с опозданием на три часа. На платформе стоял один человек с фонарём и собака. Мы \
    вышли, и сразу стало слышно, как тихо кругом: ни машин, ни голосов, только снег скрипит под ногами. «Вы к \
    доктору?» — спросил человек. Я ответил, что мы к доктору и есть. Он поднял фонарь, посмотрел на нас внимательно \
    и засмеялся.
    """,
    """
    Вода кипит при температуре 100 °C, если давление равно одной атмосфере. В горах давление ниже, поэтому вода \
    закипает раньше: на высоте 3000 метров — примерно при 90 градусах. По этой причине варить там картофель \
    приходится дольше.
    """,
    """
    Çocukken her yaz dedemin köyüne giderdik. Otobüs son durakta bizi indirir, oradan sonra yarım saat yürürdük. Yol \
    boyunca incir ağaçları vardı; annem acele etmemizi söyler, biz yine de ceplerimizi doldururduk. Dedem kapıda \
    bekler, saatine bakar ve hep aynı şeyi söylerdi: “Bu yıl erken geldiniz.”
    """,
    """
    春天的早晨，小镇的街上还没有什么人。卖豆浆的老王把炉子推到桥边，热气一下子升了起来。不久，上学的孩子们跑过来，书包在背上\
    一跳一跳。“两杯豆浆，一根油条！”他们喊着，把硬币放进铁盒里。老王笑着说：“慢点儿喝，烫。”桥下的河水流得很慢，好像也在等什么人。
    """,
    """
    人工智能的发展离不开三个条件：数据、算法和计算能力。近十年来，互联网积累了大量文字、图片和声音，新的模型可以从中学习规律\
    ；同时，芯片的速度不断提高，训练的成本逐渐下降。但是，专家也提醒说，模型的回答并不总是正确，使用时需要核对来源。
    """,
    """
    駅前の古い喫茶店は、朝の七時に開く。窓際の席にはいつも同じ人が座り、新聞を広げて、ゆっくりとコーヒーを飲んでいる。店の主\
    人は何も聞かずにトーストを焼き、ゆで卵を添えて出す。雨の日には、傘を持たない客のために、入り口に何本か置いてある。返さなくてもいいと書いてあるのに、傘はなぜか減らないそうだ。
    """,
    """
    서울의 지하철은 하루에 수백만 명이 이용한다. 출근 시간에는 사람이 너무 많아서 다음 열차를 기다려야 할 때도 있다. 그래도 열차는 보통 정확한 시간에 도착하고, 역마다 안내 방송이 한국어와 영어로 \
    나온다. 창밖으로 한강이 보이는 구간에서는 많은 사람이 잠시 휴대전화를 내려놓고 밖을 본다.
    """,
    """
    في السوق القديم دكان صغير يبيع الكتب المستعملة. يجلس صاحبه عند الباب كل صباح، يشرب الشاي ويقرأ الجريدة، ولا يسأل \
    أحدا عما يريد. يقول إن الكتاب هو الذي يختار قارئه. دخلت مرة أبحث عن خريطة، وخرجت بعد ساعتين ومعي ثلاث روايات \
    وديوان شعر.
    """,
    """
    गाँव के बाहर एक पुराना बरगद का पेड़ है। गर्मी की दोपहर में लोग उसकी छाया में बैठते हैं, बातें करते हैं और बच्चों \
    को कहानियाँ सुनाते हैं। दादी कहती हैं कि यह पेड़ उनके दादा से भी पुराना है। पिछले साल आँधी में उसकी एक बड़ी शाखा \
    टूट गई, पर इस साल वहीं से नई पत्तियाँ निकल आईं।
    """,
    """
    Setiap pagi pasar di tepi sungai sudah ramai sebelum matahari terbit. Para pedagang datang dengan perahu kecil, \
    membawa pisang, kelapa, ikan, dan sayuran segar. Pembeli menawar sambil tertawa, dan sebelum jam sembilan hampir \
    semuanya sudah habis terjual.
    """,
    """
    Buổi sáng ở Hà Nội bắt đầu bằng tiếng rao và mùi phở. Trên vỉa hè, người ta ngồi trên những chiếc ghế nhựa nhỏ, \
    uống cà phê sữa đá và nói chuyện về bóng đá. Đến trưa, trời nóng, phố vắng dần; chiều xuống, quanh hồ lại đông \
    người đi dạo.
    """,
  ]
}
