#pragma once
// The words of the classic interface. Pure; any thread.

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace godwit::sendmail {

inline constexpr const char* kDefaultConfig = "/etc/godwit/godwit.toml";

struct Options {
  enum class Mode : std::uint8_t { deliver, queue_listing, nothing, smtp, daemon };
  Mode mode = Mode::deliver;
  bool help = false;
  bool from_header = false;             // -t
  bool ignore_dots = false;             // -i, -oi
  std::optional<std::string> sender;    // -f, -r: as given; "" and "<>" are the null path
  std::string full_name;                // -F
  std::optional<std::string> config;    // -C
  std::string notify;                   // -N
  std::string ret;                      // -R: "full" or "hdrs"
  std::string envid;                    // -V, in xtext
  std::vector<std::string> recipients;  // as given; one may hold several, with commas
};

// `words` begin with the program's name: mailq and newaliases are -bp and -bi. Options may stand between recipients, "--" ends them.
// The error is a sentence for whoever typed it.
std::expected<Options, std::string> parse_arguments(const std::vector<std::string>& words);

}  // namespace godwit::sendmail
