namespace KafkaBackup.Engine.Cluster;

/// <summary>The security side of <see cref="ClusterSettings"/> in the library's words.</summary>
internal static class SecurityProperties
{
    public static void Add(
        ClusterSettings settings,
        IReadOnlyDictionary<string, string> options,
        List<KeyValuePair<string, string>> properties
    )
    {
        if (settings.SecurityProtocol is { } protocol)
        {
            AddUnlessTwice("security.protocol", Name(protocol), "security_protocol");
        }

        var mechanismInOptions = options.ContainsKey("sasl.mechanism") || options.ContainsKey("sasl.mechanisms");
        if (settings.SaslMechanism is { } mechanism)
        {
            if (mechanismInOptions)
            {
                throw Twice("sasl_mechanism", "sasl.mechanism");
            }

            properties.Add(new("sasl.mechanisms", Name(mechanism)));
        }

        CheckSasl(settings, options, mechanismInOptions);
        AddUnlessTwice("sasl.username", settings.SaslUsername, "sasl_username");
        AddUnlessTwice("sasl.password", settings.SaslPassword?.Reveal(), "sasl_password");

        AddFile("ssl.ca.location", settings.CaCertificate, "CA certificate");
        if (settings.ClientCertificate is { } bundle && IsKeyStore(bundle))
        {
            AddFile("ssl.keystore.location", bundle, "client certificate");
            AddUnlessTwice("ssl.keystore.password", settings.ClientKeyPassword?.Reveal(), "client_key_password");
            return;
        }

        AddFile("ssl.certificate.location", settings.ClientCertificate, "client certificate");

        // One PEM file may hold both.
        AddFile("ssl.key.location", settings.ClientKey ?? settings.ClientCertificate, "client key");
        AddUnlessTwice("ssl.key.password", settings.ClientKeyPassword?.Reveal(), "client_key_password");

        void AddUnlessTwice(string property, string? value, string key)
        {
            if (value is null)
            {
                return;
            }

            if (options.ContainsKey(property))
            {
                throw Twice(key, property);
            }

            properties.Add(new(property, value));
        }

        void AddFile(string property, string? path, string what)
        {
            if (path is null)
            {
                return;
            }

            if (!File.Exists(path))
            {
                throw ErrorIds.ClusterTls.With(
                    $"The {what} '{path}' does not exist.",
                    path,
                    "Check the path; the file must be readable by this user."
                );
            }

            AddUnlessTwice(property, path, property);
        }
    }

    private static void CheckSasl(ClusterSettings settings, IReadOnlyDictionary<string, string> options, bool mechanismInOptions)
    {
        if (options.ContainsKey("security.protocol"))
        {
            return;
        }

        var wantsSasl = settings.SecurityProtocol is SecurityProtocol.SaslPlaintext or SecurityProtocol.SaslSsl;
        if (wantsSasl && settings.SaslMechanism is null && !mechanismInOptions)
        {
            throw ErrorIds.MissingSettings.With(
                $"security_protocol is {Name(settings.SecurityProtocol!.Value)}, but no SASL mechanism is given.",
                "sasl_mechanism",
                "Give sasl_mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI."
            );
        }

        if (!wantsSasl && (settings.SaslMechanism is not null || settings.SaslUsername is not null))
        {
            throw ErrorIds.MissingSettings.With(
                "A SASL login is given, but security_protocol does not ask for one, so it would not be used.",
                "security_protocol",
                "Set security_protocol to SASL_SSL or SASL_PLAINTEXT, or remove the login."
            );
        }

        if (
            settings.SaslMechanism is SaslMechanism.Plain or SaslMechanism.ScramSha256 or SaslMechanism.ScramSha512
            && (
                (settings.SaslUsername is null && !options.ContainsKey("sasl.username"))
                || (settings.SaslPassword is null && !options.ContainsKey("sasl.password"))
            )
        )
        {
            throw ErrorIds.MissingSettings.With(
                $"The SASL mechanism {Name(settings.SaslMechanism.Value)} needs a user name and a password.",
                "sasl_username",
                "Give sasl_username and sasl_password, or -Credential."
            );
        }
    }

    private static KafkaBackupException Twice(string key, string property) =>
        ErrorIds.ConfigConflict.With($"{key} and '{property}' in kafka_options say the same thing; only one may be given.", key);

    private static bool IsKeyStore(string path) =>
        path.EndsWith(".p12", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".pfx", StringComparison.OrdinalIgnoreCase);

    private static string Name(SecurityProtocol protocol) =>
        protocol switch
        {
            SecurityProtocol.Plaintext => "PLAINTEXT",
            SecurityProtocol.Ssl => "SSL",
            SecurityProtocol.SaslPlaintext => "SASL_PLAINTEXT",
            SecurityProtocol.SaslSsl => "SASL_SSL",
            _ => throw new ArgumentOutOfRangeException(nameof(protocol), protocol, null),
        };

    private static string Name(SaslMechanism mechanism) =>
        mechanism switch
        {
            SaslMechanism.Plain => "PLAIN",
            SaslMechanism.ScramSha256 => "SCRAM-SHA-256",
            SaslMechanism.ScramSha512 => "SCRAM-SHA-512",
            SaslMechanism.OAuthBearer => "OAUTHBEARER",
            SaslMechanism.Gssapi => "GSSAPI",
            _ => throw new ArgumentOutOfRangeException(nameof(mechanism), mechanism, null),
        };
}
