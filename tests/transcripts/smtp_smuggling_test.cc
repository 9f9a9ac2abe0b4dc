// Conformance: the published end-of-data sequences of SMTP smuggling, sent through a whole session (DESIGN.md "Promises" 3).
//
//   smtp_smuggling_test [FOLDER]     default: $GODWIT_CONFORMANCE_DIR/smtp-smuggling, or ../shared/conformance/smtp-smuggling
//
// For each sequence: headers, text, the sequence and a second envelope behind it, all within one DATA, ended by CRLF.CRLF. The
// message must be refused or kept as one, never become two; sent whole, byte by byte and cut at every place of the sequence.

#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "testing/smtp_world.h"

namespace godwit::testing {
namespace {

namespace fs = std::filesystem;

std::string printable(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c == '\r')
      out += "<CR>";
    else if (c == '\n')
      out += "<LF>";
    else if (c == '\0')
      out += "<NUL>";
    else
      out += c;
  }
  return out;
}

struct Dialogue {
  std::string received;
  bool ended = false;

  // Task arguments by value: the coroutine outlives the statement that starts it.
  static Task<> collect(std::shared_ptr<net::Stream> stream, std::shared_ptr<Dialogue> into) {
    std::string buffer(4'096, '\0');
    for (;;) {
      const auto got = co_await stream->read(buffer, std::chrono::hours(24));
      if (!got || *got == 0) break;
      into->received.append(buffer, 0, *got);
    }
    into->ended = true;
  }
  static Task<> send(std::shared_ptr<net::Stream> stream, std::string bytes) {
    ignore(co_await stream->write(bytes, std::chrono::hours(24)), "what came back says so");
  }
};

constexpr std::string_view kBefore = "From: <a@other.test>\r\nSubject: outer\r\n\r\nouter text";
constexpr std::string_view kBehind =
    "MAIL FROM:<smuggled@evil.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nFrom: <smuggled@evil.test>\r\nSubject: inner\r\n\r\ninner";

// Plays one body in pieces; true if nothing was smuggled.
bool holds(const std::vector<std::string>& pieces, std::size_t segment, std::string& why) {
  SmtpWorld world;
  if (!world.mail.add_domain("example.org") || !world.mail.add_account("bob@example.org", "secret")) return false;
  MemoryStreamOptions options;
  options.segment = segment;
  auto [server, client_end] = make_memory_streams(world.loop().clock(), options);
  const std::shared_ptr<net::Stream> client = std::move(client_end);
  const auto dialogue = std::make_shared<Dialogue>();
  world.loop().start(Dialogue::collect(client, dialogue));
  world.serve(std::move(server));
  world.loop().poll();
  const auto say = [&](std::string bytes) {
    world.loop().start(Dialogue::send(client, std::move(bytes)));
    world.loop().poll();
  };
  say("EHLO client.test\r\nMAIL FROM:<a@other.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n");
  const std::size_t asked = dialogue->received.find("\r\n354 ");
  for (const auto& piece : pieces) say(piece);
  const auto after = asked == std::string::npos ? std::string() : dialogue->received.substr(asked + 2);
  say("QUIT\r\n");
  client->close();
  world.loop().poll();
  // after the 354 there is one more reply: to the one message
  const std::size_t line = after.find("\r\n");
  const std::string reply = line == std::string::npos ? std::string() : after.substr(line + 2);
  const bool one = std::ranges::count(reply, '\n') == 1;
  const auto stored = world.mail.stored();
  if (!one)
    why = "replies to one message: " + printable(reply);
  else if (!stored.empty() && !reply.starts_with("250 "))
    why = "kept although refused";
  else if (stored.size() > 1)
    why = "two messages came out of one";
  else if (!stored.empty() && stored[0].reverse_path.text() != "a@other.test")
    why = "the smuggled envelope was kept";
  else
    return true;
  return false;
}

bool passes(const std::string& sequence, std::string& why) {
  const std::string whole = std::string(kBefore) + sequence + std::string(kBehind);
  if (!holds({whole + "\r\n.\r\n"}, 0, why) || !holds({whole + "\r\n.\r\n"}, 1, why)) return false;
  for (std::size_t cut = 0; cut <= sequence.size(); ++cut) {
    const std::size_t at = kBefore.size() + cut;
    if (!holds({whole.substr(0, at), whole.substr(at) + "\r\n.\r\n"}, 0, why)) return false;
  }
  return true;
}

int run(const fs::path& folder) {
  std::ifstream file(folder / "sequences.json");
  if (!file) {
    std::printf("smtp-smuggling (session): NO DATA at %s: nothing was checked\n", folder.c_str());
    return 0;
  }
  std::stringstream text;
  text << file.rdbuf();
  const auto data = boost::json::parse(text.str());
  std::set<std::string> sequences;
  for (const auto& [name, list] : data.as_object())
    for (const auto& one : list.as_array()) sequences.emplace(one.as_string());

  int passed = 0;
  int failed = 0;
  for (const auto& sequence : sequences) {
    std::string why;
    if (passes(sequence, why)) {
      ++passed;
    } else {
      ++failed;
      std::printf("FAILED %s: %s\n", printable(sequence).c_str(), why.c_str());
    }
  }
  std::printf("smtp-smuggling (session): %d passed, %d failed, 0 skipped\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace godwit::testing

int main(int argc, char** argv) {
  const char* parent = std::getenv("GODWIT_CONFORMANCE_DIR");
  std::filesystem::path folder = parent ? parent : GODWIT_PROJECT_DIR "/../shared/conformance";
  folder /= "smtp-smuggling";
  return godwit::testing::run(argc > 1 ? argv[1] : folder);
}
