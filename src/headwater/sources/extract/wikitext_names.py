"""What a wiki's words mean in its language: namespaces of files and categories, redirects, other wikis' codes.

A dump names its own namespaces in <siteinfo>, but not their aliases, and an excerpt has no siteinfo at all. So these
are the names in the larger Wikipedias; English ones hold in every wiki.
"""

# Lower case, spaces for underscores.
FILES = frozenset(
    """file image media datei bild medium fichier média archivo imagen medio ficheiro imagem multimédia immagine bestand
    afbeelding plik grafika файл изображение медиа медиафайл файл зображення медіа слика датотека медиј медија slika
    datoteka medij fil mediefil billede tiedosto kuva mynd skrá soubor obrázok súbor médiá fájl kép fișier imagine dosya
    resim ortam fitxer imatge fitxategi irudi imaxe ficheru imaxen delwedd íomhá comhad dosiero bildo aliquid fasciculus
    imago media berkas gambar pail fail tập_tin hình phương_tiện ไฟล์ ภาพ สื่อ चित्र मीडिया ছবি চিত্র মিডিয়া চিত্ৰ ਤਸਵੀਰ
    ਮੀਡੀਆ ચિત્ર படிமம் ஊடகம் చిత్రం దస్త్రం మీడియా ಚಿತ್ರ പ്രമാണം ചിത്രം මාධ්‍යය රූපය ဖိုင် រូបភាព ຮູບ ملف صورة
    وسائط وسيط پرونده تصویر مدیا رسانه فائل میڈیا پەڕگە وێنە קובץ תמונה מדיה 文件 檔案 档案 文檔 图像 圖像 图片 圖片 媒体 媒體 媒体文件
    ファイル 画像 メディア 파일 그림 미디어 ფაილი სურათი მედია պատկեր ֆայլ մեդիա αρχείο εικόνα μέσο файл картинка выява медыя
    сурет faýl fayl şəkil rasm surat vaizdas medija attēls failas pilt fails meedia skedar skeda mediu imagine fitxero
    tàixiàng 畫像""".replace("\n", " ").split()
)  # fmt: skip
FILES |= {name.replace("_", " ") for name in FILES}
CATEGORIES = frozenset(
    """category kategorie catégorie categoría categoria categorie kategoria категория категорія категорија катэгорыя
    kategorija kategori kategoria luokka flokkur flokkur kategória kategorie kategória categorie kategorizia kategoriya
    kategorio categoria kategorija kategoriija kawasan thể_loại หมวดหมู่ श्रेणी वर्ग বিষয়শ্রেণী শ্ৰেণী ਸ਼੍ਰੇਣੀ શ્રેણી பகுப்பு వర్గం ವರ್ಗ
    വർഗ്ഗം ප්‍රවර්ගය ကဏ္ဍ ចំណាត់ថ្នាក់ਕ្រុម تصنيف رده زمرہ پۆل קטגוריה 分类 分類 カテゴリ 분류 კატეგორია կատեգորիա κατηγορία санат
    kateqoriya turkum kategorie kategooria kategorija categoría categoria catigoria catagóir categori rummad kategorya
    төркем категори flokkur bólkur catégorîe category ulrich kategoriye klasado luokka hạng ตัวแบบ sachgruppe
    ଶ୍ରେଣୀ хэмба катыгори категориясы ангилал төркөм катэгория catêgorie kategoriye""".replace("\n", " ").split()
)  # fmt: skip
CATEGORIES |= {name.replace("_", " ") for name in CATEGORIES}

# What follows the # of a redirect.
REDIRECTS = frozenset(
    """redirect weiterleitung redirection redirección redirecionamento rinvia rinvio doorverwijzing patrz przekieruj tam
    перенаправление перенапр перенаправлення перенаправь преусмеравање преусмери пренасочване виж omdirigering omdiriger
    ohjaus uudelleenohjaus přesměruj presmeruj átirányítás redirecteaza yönlendirme yönlendir redirecció birzuzendu
    alih lencong đổi เปลี่ยนทาง अनुप्रेषित पुनर्निर्देशित পুনর্নির্দেশ تحويل تغییر_مسیر تغییرمسیر رجوع_مکرر הפניה 重定向
    重新導向 转向 轉向 転送 リダイレクト 넘겨주기 გადამისამართება վերահղում ανακατευθυνση перанакіраванне айдау tilvísun
    peradresavimas suuna ailgyfeirio athsheoladh alidirektu redirecto preusmjeri preusmeritev""".replace(
        "\n", " "
    ).split()
)  # fmt: skip

# Codes of the Wikipedias, as prefixes of links to the same page in another language.
LANGUAGES = frozenset(
    ["aa", "ab", "ace", "ady", "af", "ak", "als", "alt", "am", "ami", "an", "ang", "anp", "ar", "arc", "ary", "arz", "as", "ast", "atj", "av", "avk", "awa", "ay", "az", "azb", "ba", "ban", "bar", "bat-smg", "bcl", "be", "be-tarask", "be-x-old", "bg", "bh", "bi", "bjn", "blk", "bm", "bn", "bo", "bpy", "br", "bs", "bug", "bxr", "ca", "cbk-zam", "cdo", "ce", "ceb", "ch", "cho", "chr", "chy", "ckb", "co", "cr", "crh", "cs", "csb", "cu", "cv", "cy", "da", "dag", "de", "dga", "din", "diq", "dsb", "dtp", "dty", "dv", "dz", "ee", "el", "eml", "en", "eo", "es", "et", "eu", "ext", "fa", "fat", "ff", "fi", "fiu-vro", "fj", "fo", "fon", "fr", "frp", "frr", "fur", "fy", "ga", "gag", "gan", "gcr", "gd", "gl", "glk", "gn", "gom", "gor", "got", "gpe", "gu", "guc", "gur", "guw", "gv", "ha", "hak", "haw", "he", "hi", "hif", "ho", "hr", "hsb", "ht", "hu", "hy", "hyw", "hz", "ia", "id", "ie", "ig", "igl", "ii", "ik", "ilo", "inh", "io", "is", "it", "iu", "ja", "jam", "jbo", "jv", "ka", "kaa", "kab", "kbd", "kbp", "kcg", "kg", "ki", "kj", "kk", "kl", "km", "kn", "ko", "koi", "kr", "krc", "ks", "ksh", "ku", "kv", "kw", "ky", "la", "lad", "lb", "lbe", "lez", "lfn", "lg", "li", "lij", "lld", "lmo", "ln", "lo", "lrc", "lt", "ltg", "lv", "mad", "mai", "map-bms", "mdf", "mg", "mh", "mhr", "mi", "min", "mk", "ml", "mn", "mni", "mnw", "mr", "mrj", "ms", "mt", "mus", "mwl", "my", "myv", "mzn", "na", "nah", "nan", "nap", "nds", "nds-nl", "ne", "new", "ng", "nia", "nl", "nn", "no", "nov", "nqo", "nrm", "nso", "nv", "ny", "oc", "olo", "om", "or", "os", "pa", "pag", "pam", "pap", "pcd", "pcm", "pdc", "pfl", "pi", "pih", "pl", "pms", "pnb", "pnt", "ps", "pt", "pwn", "qu", "rm", "rmy", "rn", "ro", "roa-rup", "roa-tara", "ru", "rue", "rw", "sa", "sah", "sat", "sc", "scn", "sco", "sd", "se", "sg", "sgs", "sh", "shi", "shn", "si", "simple", "sk", "skr", "sl", "sm", "smn", "sn", "so", "sq", "sr", "srn", "ss", "st", "stq", "su", "sv", "sw", "szl", "szy", "ta", "tay", "tcy", "te", "tet", "tg", "th", "ti", "tk", "tl", "tly", "tn", "to", "tpi", "tr", "trv", "ts", "tt", "tum", "tw", "ty", "tyv", "udm", "ug", "uk", "ur", "uz", "ve", "vec", "vep", "vi", "vls", "vo", "vro", "wa", "war", "wo", "wuu", "xal", "xh", "xmf", "yi", "yo", "za", "zea", "zgh", "zh", "zh-classical", "zh-min-nan", "zh-yue", "zu", "cz", "dk", "jp", "nb"]
)  # fmt: skip
# Names of Wikipedias that are not the code of their language (ISO 639).
LANGUAGE_OF_WIKI = {
    "simple": "en", "als": "gsw", "bat-smg": "sgs", "be-x-old": "be", "be-tarask": "be", "fiu-vro": "vro",
    "zh-classical": "lzh", "zh-min-nan": "nan", "zh-yue": "yue", "roa-rup": "rup", "nb": "no", "cz": "cs", "jp": "ja",
}  # fmt: skip
