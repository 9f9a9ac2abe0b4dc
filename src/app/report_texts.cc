#include "app/report_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/bytes.h"
#include "grammar/dsn/texts.h"
#include "grammar/smtp/path.h"

namespace godwit::app {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 1'000;
constexpr std::size_t kLongestFile = 256 * 1'024;  // more than any text may have

// In the order of the alphabet, so that errors come in the same order each time.
Result<std::vector<fs::path>> text_files(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".txt") files.push_back(entry->path());
    if (files.size() > kMostFiles) return fail(Error::permanent(Error::Cause::limit, fmt::format("{} has too many files", folder)));
  }
  if (error) return fail(Error::permanent(Error::Cause::not_found, fmt::format("cannot read the folder {}: {}", folder, error.message())));
  std::ranges::sort(files);
  return files;
}

void read_file(TomlTable& table, dsn::Texts& texts, const fs::path& path) {
  std::error_code error;
  std::ifstream file;
  if (fs::is_regular_file(path, error)) file.open(path, std::ios::binary);
  std::string text(kLongestFile, '\0');
  if (file.is_open()) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    table.error("templates", fmt::format("cannot read {}: it has to be a file that the server may read", path.string()));
    return;
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  const auto problem = texts.add(path.filename().string(), text);
  if (!problem) return;
  const std::string where = problem->line == 0 ? path.string() : fmt::format("{}:{}", path.string(), problem->line);
  table.error("templates", fmt::format("{}: {}", where, problem->text));
}

void read_templates(TomlTable& table, const std::string& folder, dsn::Texts& texts) {
  if (folder.empty()) return;
  const auto files = text_files(folder);
  if (!files) {
    table.error("templates", files.error().text);
    return;
  }
  for (const fs::path& path : *files) read_file(table, texts, path);
  if (const auto missing = texts.missing()) table.error("templates", *missing);
}

void read_tenant(TomlTable& table, dsn::Texts& texts) {
  std::string domain;
  std::string language;
  table.text("domain", domain);
  table.text("language", language);
  const auto parsed = smtp::parse_domain(domain);
  if (!parsed)
    table.error("domain", domain.empty() ? "is missing; write domain = \"example.org\"" : "this is no domain: " + parsed.error().text);
  if (language.empty())
    table.error("language", "is missing; write language = \"de\"");
  else if (parsed)
    if (const auto problem = texts.set_language(parsed->text(), language)) table.error("language", *problem);
}

}  // namespace

void read_dsn(TomlTable& table, Config& config) {
  auto texts = std::make_shared<dsn::Texts>();
  std::string language;
  table.text("templates", config.dsn_templates);
  read_templates(table, config.dsn_templates, *texts);
  table.text("language", language);
  if (!language.empty())
    if (const auto problem = texts->set_language(language)) table.error("language", *problem);
  table.tables("tenant", [&](TomlTable& tenant) { read_tenant(tenant, *texts); });
  config.dsn_texts = std::move(texts);
}

}  // namespace godwit::app
