#pragma once
// What people read in reports, in every language that there is: English and German are shipped, an operator's files stand above them.
// docs/operator/reports.md describes the files.
//
// A language is seven files: "failed.de.txt", "delayed", "delivered", "relayed", "expanded" (what is said of such recipients), "frame"
// (what stands around them) and "status" (what a status code means). Values: filled once, then shared and only read; any thread.

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/dsn/explain.h"
#include "grammar/dsn/report.h"
#include "grammar/dsn/template.h"

namespace godwit::dsn {

class Texts {
 public:
  // With the shipped files.
  Texts();
  static const Texts& shipped();

  // "failed.de.txt" and its text; takes the place of what is there.
  std::optional<TemplateProblem> add(std::string_view file, std::string_view text);
  // The language that is used where nothing else is asked for; and that of a tenant. A problem if there is no such language.
  std::optional<std::string> set_language(std::string_view language);
  std::optional<std::string> set_language(std::string tenant, std::string_view language);
  // What each language lacks, as a sentence; nothing if all are complete.
  std::optional<std::string> missing() const;

  std::vector<std::string> languages() const;  // in lower case
  // The first that there is: of those in Accept-Language, the language of the message (Content-Language), that of the tenant, the general
  // one.
  std::string choose(std::string_view headers, std::string_view tenant) const;

  // `language` comes from choose().
  const Template& section(const std::string& language, Action action) const;
  const Template& frame(const std::string& language) const;
  const Explanations& explanations(const std::string& language) const;

 private:
  static constexpr std::size_t kSections = 5;  // as Action
  struct Language {
    std::array<std::optional<Template>, kSections> sections;
    std::optional<Template> frame;
    std::optional<Explanations> status;
  };
  const Language& find(const std::string& language) const;

  std::map<std::string, Language> languages_;
  std::string general_ = "en";
  std::map<std::string, std::string> of_tenant_;
};

}  // namespace godwit::dsn
