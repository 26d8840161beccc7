using System.Globalization;
using System.Runtime.InteropServices;

namespace KafkaBackup.LocalBroker;

/// <summary>The broker as a program: prints where it listens and serves until Ctrl+C, SIGTERM or the end of its input.</summary>
internal static class CommandLine
{
    private const string Usage = """
        usage: KafkaBackup.LocalBroker [options]
          --port N             the first broker's port; 0 (default) takes a free one
          --topics a:3,b       topics to create, with their number of partitions
          --brokers N          how many brokers (default 1)
          --control-port N     serve the control port; 0 takes a free one
          --data DIR           keep logs below DIR while running (default: the temporary folder)
          --auto-create        create topics that clients ask for
          --sasl MECHANISM     PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; may be repeated
          --user NAME:PASSWORD a user for --sasl; may be repeated
          --tls                listen with TLS; prints where the certificates are
          --client-cert        with --tls: refuse clients without a certificate
          --until-input-ends   stop when the standard input is closed: for a program that starts a broker, and when that program dies
        """;

    private const string UntilInputEnds = "--until-input-ends";

    public static async Task<int> Run(string[] args)
    {
        if (args.Contains("--help"))
        {
            Console.WriteLine(Usage);
            return 0;
        }

        LocalClusterOptions options;
        List<(string Name, int Partitions)> topics;
        var untilInputEnds = args.Contains(UntilInputEnds);
        args = [.. args.Where(argument => argument != UntilInputEnds)];
        try
        {
            (options, topics) = Parse(args);
        }
        catch (FormatException e)
        {
            await Console.Error.WriteLineAsync(e.Message).ConfigureAwait(false);
            await Console.Error.WriteLineAsync(Usage).ConfigureAwait(false);
            return 2;
        }

        var stop = new TaskCompletionSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Ask);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Ask);
        await using var cluster = LocalCluster.Start(options);
        foreach (var (name, partitions) in topics)
            cluster.CreateTopic(name, partitions);
        Console.WriteLine($"bootstrap {cluster.BootstrapServers}");
        if (cluster.ControlAddress is { } control)
            Console.WriteLine($"control {control}");
        if (cluster.Certificates is { } certificates)
            Console.WriteLine(
                $"tls ca {certificates.AuthorityPath} certificate {certificates.ClientCertificatePath} key {certificates.ClientKeyPath}"
            );
        await Task.WhenAny(stop.Task, untilInputEnds ? Task.Run(Console.In.ReadToEnd) : stop.Task).ConfigureAwait(false);
        foreach (var error in cluster.UnexpectedErrors)
            await Console.Error.WriteLineAsync(error.ToString()).ConfigureAwait(false);
        return 0;

        void Ask(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.TrySetResult();
        }
    }

    private static (LocalClusterOptions Options, List<(string Name, int Partitions)> Topics) Parse(string[] args)
    {
        var options = new LocalClusterOptions();
        var topics = new List<(string, int)>();
        var users = new Dictionary<string, string>();
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i];
            options = name switch
            {
                "--port" => options with { Port = Number() },
                "--brokers" => options with { Brokers = Number() },
                "--control-port" => options with { ControlPort = Number() },
                "--data" => options with { DataDirectory = Value() },
                "--auto-create" => options with { AutoCreateTopics = true },
                "--sasl" => options with { SaslMechanisms = [.. options.SaslMechanisms, Mechanism(Value())] },
                "--tls" => options with { Tls = true },
                "--client-cert" => options with { RequireClientCertificate = true },
                "--topics" => WithTopics(Value()),
                "--user" => WithUser(Value()),
                _ => throw new FormatException($"'{name}' is not an option."),
            };

            string Value() => ++i < args.Length ? args[i] : throw new FormatException($"{name} needs a value.");
            int Number() =>
                int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                    ? n
                    : throw new FormatException($"{name} needs a number.");
        }

        if (options.RequireClientCertificate && !options.Tls)
            throw new FormatException("--client-cert needs --tls.");
        if (options.SaslMechanisms.Count > 0 != users.Count > 0)
            throw new FormatException("--sasl and --user go together.");
        return (options with { Users = users }, topics);

        LocalClusterOptions WithTopics(string list)
        {
            foreach (var parts in list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(t => t.Split(':')))
            {
                var partitions = 1;
                if (
                    parts.Length > 2
                    || (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out partitions))
                )
                    throw new FormatException($"'{string.Join(':', parts)}' is not NAME or NAME:PARTITIONS.");
                topics.Add((parts[0], partitions));
            }

            return options;
        }

        LocalClusterOptions WithUser(string user)
        {
            var parts = user.Split(':', 2);
            if (parts.Length != 2)
                throw new FormatException("--user needs NAME:PASSWORD.");
            users[parts[0]] = parts[1];
            return options;
        }
    }

    private static string Mechanism(string name) =>
        name is "PLAIN" or "SCRAM-SHA-256" or "SCRAM-SHA-512"
            ? name
            : throw new FormatException($"'{name}' is not PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.");
}
