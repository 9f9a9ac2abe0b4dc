// Conformance: Haraka's specimens go through DATA (dot-stuffing there and back) in many segmentations, and not one byte changes. (Through
// a whole server, with BDAT once it is offered: tests/e2e.)

#include <algorithm>
#include <vector>

#include "grammar/message/header.h"
#include "grammar/smtp/data_reader.h"
#include "grammar/smtp/data_writer.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

// The specimens are stored with LF.
std::string to_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' && !out.ends_with('\r')) out.push_back('\r');
    out.push_back(c);
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

std::string through_data(const std::string& message, std::size_t out_piece, std::size_t in_piece) {
  smtp::DataWriter writer;
  std::string wire;
  for (std::size_t i = 0; i < message.size(); i += out_piece) {
    if (const auto written = writer.append(wire, std::string_view(message).substr(i, out_piece)); !written) return written.error().text;
  }
  if (!writer.finish(wire)) return "could not be finished";
  smtp::DataReader reader;
  std::string back;
  std::size_t used = 0;
  for (std::size_t i = 0; i < wire.size(); i += in_piece)
    used += reader.feed(std::string_view(wire).substr(i, in_piece), [&](std::string_view bytes) { back.append(bytes); });
  if (!reader.finished() || used != wire.size()) return "the end was not where it should be";
  if (reader.violation() != smtp::Violation::none) return "reported: " + std::string(to_string(reader.violation()));
  const auto difference = std::ranges::mismatch(back, message);
  if (back != message) return "byte " + std::to_string(difference.in1 - back.begin()) + " differs";
  return "";
}

std::string header_of(const std::string& message, std::size_t piece) {
  message::HeaderScanner scanner;
  for (std::size_t i = 0; i < message.size(); i += piece) scanner.feed(std::string_view(message).substr(i, piece));
  scanner.finish();
  const auto& s = scanner.summary();
  if (!s.complete || s.garbage_lines != 0 || !s.mime_version) return "the header was not understood";
  if (s.size + 2 != message.find("\r\n\r\n") + 4) return "the header ends elsewhere";
  return "";
}

void judge(Suite& suite, const std::string& name, const std::string& why) {
  if (why.empty())
    suite.pass();
  else
    suite.fail(name, why);
}

int run(int argc, char** argv) {
  Suite suite("haraka-specimens", argc, argv);
  if (!suite.folder()) return 0;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(*suite.folder())) {
    const std::string file = entry.path().filename().string();
    if (file.ends_with(".txt") && file != "LICENSE.txt") files.push_back(file);
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    const std::string message = to_crlf(suite.read(file));
    for (const std::size_t piece : {1UL, 2UL, 61UL, 512UL, 4096UL, 65536UL}) {
      judge(suite, file + " written in pieces of " + std::to_string(piece), through_data(message, piece, 4096));
      judge(suite, file + " read in pieces of " + std::to_string(piece), through_data(message, 4096, piece));
      judge(suite, file + " header in pieces of " + std::to_string(piece), header_of(message, piece));
    }
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
