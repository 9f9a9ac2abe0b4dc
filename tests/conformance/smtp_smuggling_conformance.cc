// Conformance: the published end-of-data sequences of SMTP smuggling, against reader and writer of DATA. (A whole session with
// them: tests/transcripts/smtp_smuggling_test.cc.)
//
// Inbound: no sequence ends the message, and the message is one that gets refused, however the bytes are cut. Outbound: a message that
// holds a sequence never leaves with anything in it that some server takes for the end.

#include <boost/json.hpp>
#include <algorithm>
#include <vector>

#include "grammar/smtp/data_reader.h"
#include "grammar/smtp/data_writer.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

constexpr std::string_view kBefore = "From: <a@other.test>\r\nSubject: outer\r\n\r\nouter text";
constexpr std::string_view kBehind =
    "MAIL FROM:<smuggled@evil.test>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: inner\r\n\r\ninner\r\n";
constexpr std::string_view kEnd = ".\r\n";

std::string check_inbound(const std::string& sequence, std::size_t piece) {
  const std::string body = std::string(kBefore) + sequence + std::string(kBehind);
  const std::string wire = body + std::string(kEnd) + "QUIT\r\n";
  smtp::DataReader reader;
  std::string message;
  std::size_t used = 0;
  for (std::size_t i = 0; i < wire.size() && !reader.finished(); i += piece)
    used += reader.feed(std::string_view(wire).substr(i, piece), [&](std::string_view bytes) { message.append(bytes); });
  if (!reader.finished()) return "the real end was not found";
  if (used != body.size() + kEnd.size())
    return "the message ended at byte " + std::to_string(used) + " instead of " + std::to_string(body.size() + kEnd.size());
  if (reader.violation() == smtp::Violation::none) return "nothing was reported, so the message would be taken";
  if (message.find("inner\r\n") == std::string::npos) return "bytes are missing";
  return "";
}

// Everything that some server is known to take for the end of data.
bool holds_an_end(std::string_view wire, const std::vector<std::string>& sequences) {
  if (wire.find("\r\n.\r\n") != std::string_view::npos) return true;
  return std::ranges::any_of(sequences, [&](const std::string& s) { return wire.find(s) != std::string_view::npos; });
}

std::string check_outbound(const std::string& sequence, const std::vector<std::string>& all, std::size_t piece) {
  const std::string message = std::string(kBefore) + sequence + std::string(kBehind);
  smtp::DataWriter writer;
  std::string wire;
  bool refused = false;
  for (std::size_t i = 0; i < message.size() && !refused; i += piece)
    refused = !writer.append(wire, std::string_view(message).substr(i, piece));
  if (refused) {
    const bool writes_on = writer.append(wire, "x").has_value() || writer.finish(wire).has_value();
    if (writes_on) return "the writer goes on after an error";
    return holds_an_end(wire, all) ? "the sequence left before it was refused" : "";
  }
  if (holds_an_end(wire, all)) return "the sequence leaves as it is";
  if (!writer.finish(wire)) return "could not be finished";
  return wire.ends_with("\r\n.\r\n") ? "" : "no end of data";
}

std::vector<std::string> sequences(const boost::json::value& root, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& item : root.at(key).as_array()) out.emplace_back(item.as_string());
  return out;
}

void judge(Suite& suite, const std::string& name, const std::string& why) {
  if (why.empty())
    suite.pass();
  else
    suite.fail(name, why);
}

int run(int argc, char** argv) {
  Suite suite("smtp-smuggling", argc, argv);
  if (!suite.folder()) return 0;
  boost::system::error_code error;
  const auto root = boost::json::parse(suite.read("sequences.json"), error);
  if (error) {
    suite.fail("sequences.json", error.message());
    return suite.finish();
  }
  const auto inbound = sequences(root, "inbound_eod_sequences");
  const auto outbound = sequences(root, "outbound_eod_sequences");
  for (const std::size_t piece : {1UL, 2UL, 3UL, 7UL, 4096UL}) {
    const std::string cut = " in pieces of " + std::to_string(piece);
    for (const auto& sequence : inbound) judge(suite, "inbound " + printable(sequence) + cut, check_inbound(sequence, piece));
    for (const auto& sequence : outbound) judge(suite, "outbound " + printable(sequence) + cut, check_outbound(sequence, outbound, piece));
    judge(suite, "outbound <CR><LF>.<CR><LF>" + cut, check_outbound("\r\n.\r\n", outbound, piece));
  }
  return suite.finish();
}

}  // namespace
}  // namespace godwit::conformance

int main(int argc, char** argv) { return godwit::conformance::run(argc, argv); }
