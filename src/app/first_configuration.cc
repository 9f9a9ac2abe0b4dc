#include "app/first_configuration.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::app {
namespace {

constexpr std::string_view kLocalNames[] = {"localhost", "local", "localdomain", "lan",       "home", "internal",
                                            "intranet",  "corp",  "private",     "home.arpa", "arpa", "invalid"};

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    else
      out += c;
  }
  return out + "\"";
}

std::string listener(std::string_view comment, std::string_view protocol, unsigned port, bool ipv6) {
  const std::string address = ipv6 ? fmt::format("[\"0.0.0.0:{0}\", \"[::]:{0}\"]", port) : fmt::format("\"0.0.0.0:{}\"", port);
  return fmt::format("\n# {}\n[[listener]]\nprotocol = \"{}\"\naddress  = {}\n", comment, protocol, address);
}

constexpr std::string_view kEnd = R"(
# Self-signed until you put a real one here: the file with the whole chain, and its key, readable by the server's user.
# A reload (SIGHUP) reads them again.
[tls]
certificate = {certificate}
key         = {key}

# Mail for other domains goes to the servers that their MX records name; port 25 must be open outwards for that.
# Where it is not, a relay brings it into the world: take the # away and write the relay's name. One that wants a login has
# port 587 mostly, and user = and password_file = belong below `to`.
#[[route]]
#domain = "*"
#to     = "smtp://relay.example.net:25"
)";

}  // namespace

std::string configuration_text(const FirstConfiguration& wanted) {
  std::string text = fmt::format(
      "# The mail server of {}. Every key and its default: man 5 godwit.toml, or docs/operator/configuration.md.\n"
      "# After a change: `godwit config check`, then a reload (SIGHUP, or `systemctl reload godwit`).\n\n"
      "# The full name by which others reach this machine: its A and AAAA records lead here, and the reverse names of its\n"
      "# addresses lead to it.\n"
      "hostname = {}\n\n"
      "# Accounts, mailboxes and the queue.\n"
      "data_dir = {}\n",
      wanted.domain.text(), in_quotes(wanted.hostname.text()), in_quotes(wanted.data_dir));
  if (!wanted.run_dir.empty()) text += fmt::format("\n# Sockets that come and go.\nrun_dir = {}\n", in_quotes(wanted.run_dir));
  if (!wanted.user.empty())
    text += fmt::format("\n# Started as root: bind the ports, then become this user.\nuser = {}\n", in_quotes(wanted.user));
  if (!wanted.ipv6)
    text += "\n# When this was written the machine had no IPv6. When it has, write the addresses as in: [\"0.0.0.0:25\", \"[::]:25\"]\n";
  text += listener("Mail from other servers.", "smtp", 25, wanted.ipv6);
  text += listener("Mail from our users' programs: with STARTTLS, and with TLS from the first byte.", "submission", 587, wanted.ipv6);
  text += listener("RFC 8314 prefers this one.", "submissions", 465, wanted.ipv6);
  text += listener("Our users read their mail: passwords only inside TLS, which begins with STARTTLS or with the first byte.", "imap", 143,
                   wanted.ipv6);
  text += listener("RFC 8314 prefers this one.", "imaps", 993, wanted.ipv6);
  text += listener("The same by POP3, for programs that take mail away.", "pop3", 110, wanted.ipv6);
  text += listener("RFC 8314 prefers this one.", "pop3s", 995, wanted.ipv6);
  text += fmt::format(kEnd, fmt::arg("certificate", in_quotes(wanted.certificate)), fmt::arg("key", in_quotes(wanted.key)));
  return text;
}

smtp::Domain choose_hostname(std::string_view machine_name, const smtp::Domain& domain) {
  const auto own = smtp::parse_domain(machine_name);
  const bool fit = own && !own->is_literal() && own->text().contains('.') &&
                   std::ranges::none_of(kLocalNames, [&](std::string_view name) { return own->is_within(*smtp::parse_domain(name)); });
  if (fit) return *own;
  const auto chosen = smtp::parse_domain("mail." + domain.text());
  return chosen ? *chosen : domain;  // a domain of almost 253 bytes has no room for a label
}

}  // namespace godwit::app
