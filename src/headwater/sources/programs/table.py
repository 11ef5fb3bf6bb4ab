"""Languages by name, extension, file name and interpreter; names are those of GitHub's linguist, where it has one.

Interface languages (protobuf, GraphQL) and SQL are programs here, and data there.

A line: name; kind (p programming, m markup, t prose, d data); extensions; `=` file names; `!` interpreters. Where an
extension stands in several lines, `language.py` looks into the text, and takes the first line here if that says
nothing. Extensions and names of files are compared in lower case, but for those with capitals (`.R`, `.H`).
"""

from dataclasses import dataclass

_TABLE = """
ABAP;p;abap
ABNF;p;abnf
Ada;p;adb ada ads
Agda;p;agda
AL;p;al
Alloy;p;als
ANTLR;p;g4
Apex;p;cls apex trigger
APL;p;apl dyalog;!apl
AppleScript;p;applescript scpt;!osascript
Arc;p;arc
AsciiDoc;t;adoc asciidoc asc
ASP.NET;p;asax ascx ashx asmx aspx axd
AspectJ;p;aj
Assembly;p;asm nasm s inc a51 i
Astro;m;astro
Augeas;p;aug
AutoHotkey;p;ahk ahkl
AutoIt;p;au3
Awk;p;awk auk gawk mawk nawk;!awk gawk mawk nawk
Ballerina;p;bal
Batchfile;p;bat cmd
Starlark;p;bazel bzl star sky;=BUILD WORKSPACE BUCK MODULE.bazel
BibTeX;m;bib bibtex
Bicep;p;bicep bicepparam
Bison;p;bison y
BitBake;p;bb bbclass bbappend
Blade;m;blade.php
BlitzBasic;p;bb decls
Boo;p;boo
Brainfuck;p;b bf
Brightscript;p;brs
C;p;c h cats idc;!tcc
C#;p;cs csx cake;!dotnet-script
C++;p;cpp cc cxx c++ hpp hh hxx h++ h inl ipp tcc tpp txx ixx cppm re C H ino
Cairo;p;cairo
Cap'n Proto;p;capnp
Ceylon;p;ceylon
Chapel;p;chpl
Cirru;p;cirru
Clarion;p;clw
Clean;p;icl dcl
Clojure;p;clj boot cl2 cljc cljs cljscm cljx hic;=riemann.config;!bb
CMake;p;cmake cmake.in;=CMakeLists.txt
COBOL;p;cob cbl ccp cobol cpy
CoffeeScript;p;coffee _coffee cjsx iced;=Cakefile;!coffee
ColdFusion;p;cfm cfml cfc
Common Lisp;p;lisp asd cl l lsp ny sexp podsl;!sbcl lisp clisp ccl ecl
Rocq Prover;p;v coq
Crystal;p;cr;!crystal
CSON;d;cson
CSS;m;css
CSV;d;csv
Cuda;p;cu cuh
CUE;p;cue
Cypher;p;cyp cypher
Cython;p;pyx pxd pxi
D;p;d di
Dart;p;dart;!dart
Dhall;p;dhall
Diff;d;diff patch
Dockerfile;p;dockerfile containerfile;=Dockerfile Containerfile
Dylan;p;dylan dyl intr lid
E;p;E;!rune
EditorConfig;d;editorconfig;=.editorconfig
Eiffel;p;e
EJS;m;ejs
Elixir;p;ex exs;=mix.lock;!elixir
Elm;p;elm
Emacs Lisp;p;el emacs;=.emacs
EmberScript;p;em
EQ;p;eq
Erlang;p;erl app.src escript hrl xrl yrl;=rebar.config;!escript
F#;p;fs fsi fsx
F*;p;fst fsti
Factor;p;factor
Fantom;p;fan
Faust;p;dsp
Fennel;p;fnl;!fennel
fish;p;fish;!fish
FLUX;p;fx flux
Forth;p;fth 4th forth f for frt fs
Fortran;p;f f77 for fpp
Fortran Free Form;p;f90 f03 f08 f95
FreeBASIC;p;bi bas
FreeMarker;m;ftl
Futhark;p;fut
G-code;d;gcode gco ngc
GAML;p;gaml
GAMS;p;gms
GAP;p;g gap gd gi tst
GDScript;p;gd
Gettext Catalog;t;po pot
Gherkin;p;feature
GLSL;p;glsl vert frag fp frg fs fsh fshader geo geom glslf glslv gs gshader rchit rmiss tesc tese vrx vs vsh vshader comp
Gleam;p;gleam
Gnuplot;p;gp gnu gnuplot plot plt p;!gnuplot
Go;p;go;!gorun
Go Checksums;d;=go.sum go.work.sum
Go Module;d;=go.mod go.work
Gosu;p;gs gst gsx vark
Gradle;p;gradle
GraphQL;p;graphql gql graphqls
Graphviz (DOT);p;dot gv
Groovy;p;groovy grt gtpl gvy;=Jenkinsfile;!groovy
Hack;p;hack hh hhi
Haml;m;haml
Handlebars;m;handlebars hbs
Harbour;p;hb
Haskell;p;hs hs-boot hsc;!runhaskell runghc
Haxe;p;hx hxsl
HCL;p;hcl nomad tf tfvars
HLSL;p;hlsl cginc fx fxh hlsli
HTML;m;html htm hta html.hl xht xhtml inc
HTML+ERB;m;erb erb.deface rhtml html.erb
HTTP;d;http
Hy;p;hy;!hy
IDL;p;pro dlm
Idris;p;idr lidr
Ignore List;d;gitignore dockerignore npmignore;=.gitignore .dockerignore .npmignore
Inform 7;p;ni i7x
INI;d;ini cfg dof lektorproject prefs pro url;=.gitconfig .flake8 .coveragerc tox.ini
Inno Setup;p;iss isl
Io;p;io;!io
Isabelle;p;thy
J;p;ijs;!jconsole
Janet;p;janet;!janet
Java;p;java jav jsh
Java Properties;d;properties
JavaScript;p;js mjs cjs es es6 jsm jsx _js bones jake javascript jsb jscad jsfl jslib jspre jss frag gs njs pac sjs ssjs xsjs xsjslib;=Jakefile;!node nodejs bun deno d8 js rhino
Jinja;m;jinja j2 jinja2
JSON;d;json 4DForm avsc geojson gltf har ice JSON-tmLanguage jsonl mcmeta tfstate tfstate.backup topojson webapp webmanifest yy yyp ndjson;=.babelrc .eslintrc.json composer.lock Pipfile.lock package-lock.json .jshintrc
JSON with Comments;d;jsonc code-workspace sublime-settings;=tsconfig.json jsconfig.json .eslintrc
JSON5;d;json5
Jsonnet;p;jsonnet libsonnet
Java Server Pages;p;jsp jspf tag
Julia;p;jl;!julia
Jupyter Notebook;m;ipynb
Just;p;just;=justfile Justfile .justfile;!just
Kotlin;p;kt ktm kts;!kotlin
Lean;p;lean hlean
Less;m;less
Lex;p;l lex
LilyPond;p;ly ily
Liquid;m;liquid
Linker Script;p;ld lds x
LiveScript;p;ls _ls;=Slakefile;!lsc
LLVM;p;ll
Logos;p;xm xi
Logtalk;p;lgt logtalk
LookML;p;lkml lookml
Lua;p;lua fcgi nse p8 pd_lua rbxs rockspec wlua;!lua luajit
Luau;p;luau;!luau
M4;p;m4 mc
M4Sugar;p;m4;=configure.ac configure.in
Makefile;p;mk mak make makefile mkfile d;=Makefile makefile GNUmakefile Kbuild BSDmakefile Makefile.am Makefile.in Makefile.inc;!make
Markdown;t;md markdown mdown mdwn mkd mkdn mkdown ronn scd workbook livemd
Wolfram Language;p;mathematica cdf m ma mt nb nbp wl wlt
MATLAB;p;matlab m
Max;p;maxpat maxhelp mxt
MDX;m;mdx
Mercury;p;m moo
Meson;p;=meson.build meson_options.txt
Metal;p;metal
Mojo;p;mojo
Modelica;p;mo
Modula-2;p;mod
Modula-3;p;i3 ig m3 mg
MoonScript;p;moon;!moon
Motoko;p;mo
Move;p;move
MQL5;p;mq5 mqh
MQL4;p;mq4
Mustache;m;mustache
Nextflow;p;nf;=nextflow.config;!nextflow
Nginx;d;nginx nginxconf vhost;=nginx.conf
Nim;p;nim nimble nims nim.cfg
Ninja;p;ninja
Nix;p;nix
NSIS;p;nsi nsh
Nu;p;nu;!nush nu
Objective-C;p;m h
Objective-C++;p;mm
Objective-J;p;j sj
OCaml;p;ml mli mll mly eliom eliomi ml4;=dune dune-project;!ocaml ocamlrun ocamlscript
Odin;p;odin
OpenCL;p;cl opencl
OpenEdge ABL;p;p w i cls
OpenQASM;p;qasm
OpenSCAD;p;scad
Org;t;org
Oz;p;oz
Pascal;p;pas dfm dpr inc lpr pascal pp
Perl;p;pl pm al cgi fcgi perl ph plx psgi t;=Makefile.PL Rexfile cpanfile;!perl cperl
PHP;p;php aw ctp fcgi inc php3 php4 php5 phps phpt;!php
Pic;m;pic chem
Pickle;d;pkl
PLpgSQL;p;pgsql
PLSQL;p;pls bdy fnc pck pkb pks plb plsql prc spc tpb tps trg vw
PostScript;m;ps eps epsi
POV-Ray SDL;p;pov
PowerShell;p;ps1 psd1 psm1;!pwsh
Prisma;p;prisma
Processing;p;pde
Prolog;p;pro pl prolog yap plt;!swipl yap
Protocol Buffer;p;proto
Pug;m;pug jade
Puppet;p;pp;!puppet
PureScript;p;purs
Python;p;py cgi fcgi gyp gypi lmi py3 pyde pyi pyp pyt pyw rpy spec tac wsgi xpy;=SConstruct SConscript Snakefile wscript;!python python2 python3 pypy pypy3
Q#;p;qs
QML;p;qml qbs
QMake;p;pro pri
R;p;r R rd rsx;=.Rprofile;!Rscript
Racket;p;rkt rktd rktl scrbl;!racket
Ragel;p;rl
Raku;p;6pl 6pm nqp p6 p6l p6m pl6 pm6 raku rakumod rakutest t pm pl;!perl6 raku rakudo
ReScript;p;res resi
Reason;p;re rei
Rebol;p;reb r r2 r3 rebol
Red;p;red reds
reStructuredText;t;rst rest rest.txt rst.txt
Rich Text Format;m;rtf
Ring;p;ring
RMarkdown;t;rmd qmd
RobotFramework;p;robot resource
Roff;m;roff man 1 2 3 4 5 6 7 8 9 mdoc ms me
RPM Spec;d;spec
Ruby;p;rb builder eye fcgi gemspec god jbuilder mspec pluginspec podspec prawn rabl rake rbi rbuild rbw rbx ru ruby spec thor watchr;=Rakefile Gemfile Guardfile Podfile Vagrantfile Capfile Berksfile Brewfile Fastfile Dangerfile Appraisals;!ruby jruby macruby rake rbx
Rust;p;rs rs.in;!rust-script
SAS;p;sas
Sass;m;sass
Scala;p;scala kojo sbt sc;!scala
Scheme;p;scm sch sld sls sps ss;!guile scheme chicken gosh
Scilab;p;sci sce tst
SCSS;m;scss
sed;p;sed;!sed
Shell;p;sh bash bats cgi command fcgi ksh sh.in tmux tool trigger zsh zsh-theme ebuild eclass;=.bashrc .bash_profile .profile .zshrc PKGBUILD gradlew .envrc;!sh bash dash ash zsh ksh mksh pdksh rc bats
Slang;p;slang
Slim;m;slim
Smali;p;smali
Smalltalk;p;st cs
Smarty;m;tpl
Standard ML;p;ML fun sig sml
Solidity;p;sol
SourcePawn;p;sp
SPARQL;p;sparql rq
SQF;p;sqf hqf
SQL;p;sql cql ddl inc mysql prc tab udf viw
Squirrel;p;nut
Stan;p;stan
Stata;p;do ado doh ihlp mata matah sthlp
Stylus;m;styl
SuperCollider;p;sc scd;!sclang scsynth
Svelte;m;svelte
SVG;d;svg
Swift;p;swift
SWIG;p;i swg swig
SystemVerilog;p;sv svh vh
Tcl;p;tcl adp sdc tcl.in tm xdc;!tclsh wish
Tcsh;p;tcsh csh;!tcsh csh
Terra;p;t
TeX;m;tex aux bbx cbx cls dtx ins lbx ltx mkii mkiv mkvi sty toc
Text;t;txt text nb ncl no;=README COPYING NEWS INSTALL AUTHORS HACKING THANKS CHANGES TODO CONTRIBUTORS
Textile;t;textile
Thrift;p;thrift
TLA;p;tla
TOML;d;toml;=Cargo.lock Pipfile poetry.lock uv.lock Gopkg.lock
TSV;d;tsv
TSX;p;tsx
Turtle;d;ttl
Twig;m;twig
TypeScript;p;ts cts mts;!ts-node tsx deno
Typst;m;typ
Unity3D Asset;d;anim asset mask mat meta prefab unity
Uno;p;uno
UnrealScript;p;uc
V;p;v vsh;!v
Vala;p;vala vapi
VBA;p;bas cls frm vba
VBScript;p;vbs
VCL;p;vcl
Verilog;p;v veo
VHDL;p;vhdl vhd vhf vhi vho vhs vht vhw
Vim Help File;t;txt
Vim script;p;vim vba vimrc vmb;=.vimrc _vimrc vimrc
Visual Basic .NET;p;vb vbhtml
Vue;m;vue
Vyper;p;vy
WebAssembly;p;wast wat
WGSL;p;wgsl
Wikitext;t;wiki mediawiki wikitext
X10;p;x10
XC;p;xc
XML;d;xml adml admx ant axaml axml builds ccproj ccxml clixml csl csproj ct dita ditamap ditaval dll.config dotsettings filters fsproj fxml glade gml gmx gpx grxml iml ivy jelly jsproj kml launch mdpolicy mjml mm mod mxml natvis nuspec odd osm pkgproj plist pluginspec proj props ps1xml psc1 pt qhelp rdf res resx rss scxml sfproj shproj srdf storyboard sublime-snippet sw targets tml ts tsx typ ui urdf ux vbproj vcxproj vsixmanifest vssettings vstemplate vxml wixproj wsdl wsf wxi wxl wxs x3d xacro xaml xib xlf xliff xmi xml.dist xmp xproj xsd xspec xul zcml dtd;=.project .classpath pom.xml
Xojo;p;xojo_code
XQuery;p;xquery xq xql xqm xqy
XSLT;p;xslt xsl
Xtend;p;xtend
Yacc;p;yacc yy
YAML;d;yml yaml mir reek rviz sublime-syntax syntax yaml-tmlanguage;=.clang-format .clang-tidy pubspec.lock CITATION.cff
YARA;p;yar yara
Zephir;p;zep
Zig;p;zig zig.zon
ZAP;p;zap xzap
Zimpl;p;zimpl zmpl zpl
"""


@dataclass(frozen=True)
class Table:
    kinds: dict[str, str]  # language -> p, m, t or d
    extensions: dict[str, tuple[str, ...]]  # without the dot -> languages, the likeliest first
    names: dict[str, str]
    interpreters: dict[str, str]


def _read(table: str) -> Table:
    kinds: dict[str, str] = {}
    extensions: dict[str, tuple[str, ...]] = {}
    names: dict[str, str] = {}
    interpreters: dict[str, str] = {}
    for line in table.strip().splitlines():
        language, kind, *parts = line.split(";")
        kinds[language] = kind
        for part in parts:
            if part.startswith("="):
                names |= dict.fromkeys(part[1:].split(), language)
            elif part.startswith("!"):
                interpreters |= dict.fromkeys(part[1:].split(), language)
            else:
                for extension in part.split():
                    extensions[extension] = (*extensions.get(extension, ()), language)
    return Table(kinds, extensions, names, interpreters)


TABLE = _read(_TABLE)
LANGUAGES = tuple(TABLE.kinds)
