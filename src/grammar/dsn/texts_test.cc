// What people read: templates, languages, and which of them a report takes.

#include "grammar/dsn/texts.h"

#include <gmock/gmock.h>

#include "grammar/dsn/language.h"
#include "grammar/dsn/report_structure.h"

namespace godwit::dsn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Vocabulary kWords{{"Subject", "Other"}, {"a", "b", "reports"}, {"one"}};

std::string body(std::string_view text, const Values& values, const std::vector<Values>& each = {}) {
  const auto parsed = Template::parse("Subject: x\n\n" + std::string(text), kWords);
  EXPECT_TRUE(parsed) << parsed.error().line << ": " << parsed.error().text;
  return parsed ? parsed->body(values, each) : "";
}

std::string problem(std::string_view text) {
  const auto parsed = Template::parse(text, kWords);
  return parsed ? "none" : std::to_string(parsed.error().line) + ": " + parsed.error().text;
}

TEST(Template, Placeholders_OptionalText_AndLinesThatComeToNothing) {
  EXPECT_EQ(body("{a} and[ {b}].\n", {{"a", "x"}, {"b", "y"}}), "x and y.\r\n");
  EXPECT_EQ(body("{a} and[ {b}].\n", {{"a", "x"}}), "x and.\r\n");
  EXPECT_EQ(body("[{a}]\n{b}\nz\n\n# a comment\n", {}), "z\r\n\r\n");
  EXPECT_EQ(body("{{a} [[b] }]\n", {}), "{a} [b] }]\r\n");
  EXPECT_EQ(body("  in\r\n    deeper {a}\r\n", {{"a", "x"}}), "  in\r\n    deeper x\r\n");
}

TEST(Template, Blocks) {
  const std::string text = "{if a}\nA\n{if not b}\nno B\n{end}\n{end}\n{if not a}\nno A\n{end}\n{each}\n- {one} {a}\n{end}\n";
  EXPECT_EQ(body(text, {{"a", "1"}}, {{{"one", "x"}}, {{"one", "y"}, {"a", "own"}}}), "A\r\nno B\r\n- x 1\r\n- y own\r\n");
  EXPECT_EQ(body(text, {{"b", "1"}}), "no A\r\n");
}

TEST(Template, LongLines_AreBrokenWithTheirIndentation_AndNoValueMakesALine) {
  const std::string out = body("    {a}\n", {{"a", "evil\r\nBcc: x " + std::string(200, 'w') + std::string(60, ' ') + "y"}});
  EXPECT_THAT(out, Not(HasSubstr("\r\nBcc")));
  EXPECT_THAT(out, HasSubstr("    evil Bcc: x"));
}

TEST(Template, Mistakes_SayWhereAndWhatMendsThem) {
  EXPECT_THAT(problem("Hello\n"), HasSubstr("1: the file begins with lines such as \"Subject: ...\""));
  EXPECT_THAT(problem("Other: x\n\n"), HasSubstr("\"Subject: ...\" is missing"));
  EXPECT_THAT(problem("Subject: x\nSubject: y\n"), HasSubstr("2: \"Subject:\" is there twice"));
  EXPECT_THAT(problem("Subject: x\n\n{c}\n"), HasSubstr("3: {c} is not known; there are: a, b, reports"));
  EXPECT_THAT(problem("Subject: {one}\n"), HasSubstr("1: {one} has a meaning between {each} and {end} alone"));
  EXPECT_THAT(problem("Subject: x\n\na\n{if a}\n{if b}\n{end}\n"), HasSubstr("4: the block that begins here has no {end}"));
  EXPECT_THAT(problem("Subject: x\n\n{end}\n"), HasSubstr("3: {end} ends nothing"));
  EXPECT_THAT(problem("Subject: x\n\n{a\n"), HasSubstr("3: a { without its }"));
  EXPECT_THAT(problem("Subject: x\n\n[a\n"), HasSubstr("3: a [ without its ]"));
  EXPECT_THAT(problem("Subject: x\n\n\xe9\n"), HasSubstr("3: is not UTF-8"));
  EXPECT_THAT(problem("Subject: x\n\n\ta\n"), HasSubstr("3: has a control character or a tab"));
  EXPECT_THAT(problem("Subject: x\n\n{each}\n{each}\n{end}\n{end}\n"), HasSubstr("4: {each} has no meaning here"));
  EXPECT_THAT(problem("Subject: x\n\n" + std::string(2'000, 'x')), HasSubstr("3: is longer than"));
  std::string deep = "Subject: x\n\n";
  for (int i = 0; i < 100; ++i) deep += "{if a}\n";
  EXPECT_THAT(problem(deep), HasSubstr("blocks within each other"));
}

TEST(Explanations, Mistakes_SayWhere) {
  const auto problem_of = [](std::string_view text) {
    const auto parsed = Explanations::parse(text);
    return parsed ? "none" : std::to_string(parsed.error().line) + ": " + parsed.error().text;
  };
  EXPECT_EQ(problem_of("other | a | b | c\n1.1 | d | e |\n"), "none");
  EXPECT_THAT(problem_of("1.1 | d | e | f\n"), HasSubstr("no line \"other"));
  EXPECT_THAT(problem_of("# x\n1.1 | d | e\n"), HasSubstr("2: a line has four columns"));
  EXPECT_THAT(problem_of("1.1 | d | e | f | g\n"), HasSubstr("1: a line has four columns"));
  EXPECT_THAT(problem_of("5.1.1 | d | e | f\n"), HasSubstr("1: begins with subject and detail"));
  EXPECT_THAT(problem_of("other | d | e | f\nother | d | e | f\n"), HasSubstr("2: other is there twice"));
}

TEST(Texts, Shipped_AreCompleteInBothLanguages) {
  EXPECT_THAT(Texts::shipped().languages(), ElementsAre("de", "en"));
  EXPECT_EQ(Texts::shipped().missing(), std::nullopt);
}

TEST(Texts, ALanguageOfTheOperators_MustBeComplete) {
  Texts texts;
  EXPECT_THAT(texts.add("readme.txt", "")->text, HasSubstr("is not the name of a text"));
  EXPECT_THAT(texts.add("failed.x_y.txt", "")->text, HasSubstr("is not the name of a text"));
  EXPECT_EQ(texts.add("failed.fr.txt", "Subject: {reason}\n\n{bad}\n")->line, 3u);
  EXPECT_EQ(texts.add("failed.fr.txt", "Subject: {reason}\n\n{message}\n"), std::nullopt);
  EXPECT_THAT(*texts.missing(), HasSubstr("\"fr\" is not complete; write also: delayed.fr.txt, delivered.fr.txt"));
  EXPECT_THAT(*texts.set_language("es"), HasSubstr("there are: de, en, fr"));
}

TEST(Language, AcceptLanguage_ByItsQuality) {
  EXPECT_THAT(accepted_languages("da, en-gb;q=0.8, en;q=0.7"), ElementsAre("da", "en-gb", "en"));
  EXPECT_THAT(accepted_languages("en;q=0.1 (little), DE-at (my own), fr;q=0, *;q=0.5"), ElementsAre("de-at", "en"));
  EXPECT_THAT(accepted_languages("((((, ;;q=, x, d\xc3\xa9"), IsEmpty());
  EXPECT_EQ(lookup_language("de-at", {"de", "en"}), "de");
  EXPECT_EQ(lookup_language("pt-br", {"pt", "pt-br"}), "pt-br");
  EXPECT_EQ(lookup_language("zh-hant-x-private", {"zh"}), "zh");
  EXPECT_EQ(lookup_language("d", {"de"}), "");
}

TEST(Texts, TheMailItself_ThenTheTenant_ThenTheConfigurationSayWhichLanguage) {
  Texts texts;
  EXPECT_EQ(texts.choose("Subject: x\r\n", "example.de"), "en");
  ASSERT_EQ(texts.set_language("example.de", "de-DE"), std::nullopt);
  EXPECT_EQ(texts.choose("Subject: x\r\n", "example.de"), "de");
  EXPECT_EQ(texts.choose("Subject: x\r\n", "example.org"), "en");
  EXPECT_EQ(texts.choose("Accept-Language: en-US\r\nContent-Language: de\r\n", "example.de"), "en");
  EXPECT_EQ(texts.choose("Content-Language: fr, de-CH\r\n", "example.org"), "de");
  EXPECT_EQ(texts.choose("Accept-Language: ja, ko\r\n", "example.de"), "de");
  ASSERT_EQ(texts.set_language("de"), std::nullopt);
  EXPECT_EQ(texts.choose("", ""), "de");
}

Input german_input() {
  Input input;
  input.reporting_mta = "mx1.example.org";
  input.to = "anna@example.org";
  input.message_id = "dsn-1";
  input.boundary = "b";
  Recipient recipient;
  recipient.address = "bob@example.net";
  recipient.status = "5.1.1";
  recipient.remote_mta = "mx.example.net";
  recipient.diagnostic = "550 5.1.1 No such user";
  recipient.explanation = "the server refused the recipient";
  input.recipients.push_back(recipient);
  input.original = "Subject: Mittagessen\r\nContent-Language: de-DE\r\n\r\nx\r\n";
  return input;
}

TEST(Texts, GermanMail_GetsAGermanReport) {
  Structure s;
  ASSERT_EQ(structure_fault(build_report(german_input()).bytes, s), "");
  EXPECT_THAT(s.header, HasSubstr("Subject: Nicht zugestellt: bob@example.net (kein solches Postfach)\r\n"));
  EXPECT_THAT(s.parts[0].header, HasSubstr("Content-Language: de\r\n"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("Ihre Nachricht =E2=80=9EMittagessen=E2=80=9C konnte diesem Empf=C3=A4nger"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("Es gibt kein Postfach mit dieser Adresse."));
  EXPECT_THAT(s.parts[0].body, HasSubstr("550 5.1.1 No such us=\r\ner"));  // the remote's own words stay what they are
  EXPECT_THAT(s.parts[0].body, HasSubstr("Was Sie tun k=C3=B6nnen"));
  EXPECT_THAT(s.parts[1].body, HasSubstr("Action: failed"));
}

TEST(Texts, TheOperatorsText_StandsInPlaceOfTheShippedOne) {
  Texts texts;
  ASSERT_EQ(
      texts.add("failed.de.txt", "Subject: Leider nicht: {address}\n\nAnrufen: 4711\n{each}\n* {address} ({status}): {said}\n{end}\n"),
      std::nullopt);
  Input input = german_input();
  input.texts = &texts;
  Structure s;
  ASSERT_EQ(structure_fault(build_report(input).bytes, s), "");
  EXPECT_THAT(s.header, HasSubstr("Subject: Leider nicht: bob@example.net\r\n"));
  EXPECT_THAT(s.parts[0].body, HasSubstr("Anrufen: 4711\r\n* bob@example.net (5.1.1): 550 5.1.1 No such user\r\n"));
}

TEST(Texts, EveryKindInEveryLanguage_SaysSomething) {
  for (const std::string_view language : {"en", "de"})
    for (const Action action : {Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded})
      for (const std::size_t count : {1u, 3u})
        for (const std::string_view because : {"", "the message has no sender."}) {
          SCOPED_TRACE(std::string(language) + " " + std::string(to_string(action)) + std::to_string(count) + std::string(because));
          const std::string original = "Content-Language: " + std::string(language) + "\r\n\r\n";
          Input input = german_input();
          input.original = original;
          input.to_postmaster_because = because;
          input.recipients[0].action = action;
          input.recipients.resize(count, input.recipients[0]);
          Structure s;
          ASSERT_EQ(structure_fault(build_report(input).bytes, s), "");
          EXPECT_THAT(s.parts[0].body, HasSubstr("    bob@example.net\r\n"));
          EXPECT_THAT(s.header, HasSubstr(count == 1 && because.empty() && language == "en" ? "bob@example.net" : "\r\nSubject: "));
          EXPECT_THAT(s.parts[0].body, Not(HasSubstr("{")));
          EXPECT_THAT(s.parts[0].body, Not(HasSubstr("[")));
        }
}

}  // namespace
}  // namespace godwit::dsn
