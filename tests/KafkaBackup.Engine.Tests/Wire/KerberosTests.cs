using System.Diagnostics;
using System.Runtime.InteropServices;
using KafkaBackup.Engine.Wire;
using KafkaBackup.Engine.Wire.Security;
using KafkaBackup.LocalBroker;
using static KafkaBackup.Engine.Tests.Wire.WireTesting;
using LocalApi = KafkaBackup.LocalBroker.ApiKey;

namespace KafkaBackup.Engine.Tests.Wire;

/// <summary>A realm of the test's own (Debian: krb5-kdc, krb5-admin-server, krb5-user), with one service and one user.</summary>
public sealed class KerberosTests
{
    [KerberosFact]
    public async Task A7_a_kerberos_ticket_logs_in_and_its_absence_is_explained()
    {
        await using var realm = await KerberosRealm.Start();
        await using var local = LocalCluster.Start(new LocalClusterOptions { SaslMechanisms = ["GSSAPI"] });
        var options = Options(local.BootstrapServers.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)) with
        {
            AddressFamily = WireAddressFamily.V4,
            Sasl = new KerberosLogin("kafka"),
        };
        realm.UseTickets("none");
        var missing = await OpenFails(options);
        Assert.Equal(WireFailure.LoginRefused, missing.Kind);
        Assert.Contains("Kerberos gives no ticket for 'kafka/localhost'", missing.Message, StringComparison.Ordinal);

        await realm.LogIn("alice");
        await using (var connection = await Open(options))
        {
            await connection.SendAsync(Brokers, CancellationToken.None);
            Assert.Equal($"alice@{KerberosRealm.Name}", local.Requests.Of(LocalApi.Metadata).Single().User);
        }

        var stranger = await OpenFails(options with { Sasl = new KerberosLogin("nosuchservice") });
        Assert.Equal(WireFailure.LoginRefused, stranger.Kind);
        Assert.Contains("'nosuchservice/localhost'", stranger.Message, StringComparison.Ordinal);
    }
}

internal sealed partial class KerberosRealm : IAsyncDisposable
{
    public const string Name = "WIRE.TEST";

    private readonly string _folder = Directory.CreateTempSubdirectory("kafkabackup-krb5-").FullName;
    private Process? _kdc;

    public static async Task<KerberosRealm> Start()
    {
        var realm = new KerberosRealm();
        var port = UnusedPort();
        await File.WriteAllTextAsync(
            realm.In("krb5.conf"),
            $$"""
            [libdefaults]
            default_realm = {{Name}}
            dns_lookup_kdc = false
            dns_lookup_realm = false
            dns_canonicalize_hostname = false
            rdns = false
            udp_preference_limit = 1
            [realms]
            {{Name}} = {
              kdc = 127.0.0.1:{{port}}
            }
            [domain_realm]
            localhost = {{Name}}
            """
        );
        await File.WriteAllTextAsync(
            realm.In("kdc.conf"),
            $$"""
            [kdcdefaults]
            kdc_listen = 127.0.0.1:{{port}}
            kdc_tcp_listen = 127.0.0.1:{{port}}
            [realms]
            {{Name}} = {
              database_name = {{realm.In("principal")}}
              key_stash_file = {{realm.In("stash")}}
              acl_file = {{realm.In("acl")}}
            }
            """
        );
        Set("KRB5_CONFIG", realm.In("krb5.conf"));
        Set("KRB5_KDC_PROFILE", realm.In("kdc.conf"));
        Set("KRB5_KTNAME", realm.In("service.keytab"));
        await Run("/usr/sbin/kdb5_util", "create", "-s", "-P", "master", "-r", Name);
        await Run("/usr/sbin/kadmin.local", "-q", "addprinc -randkey kafka/localhost");
        await Run("/usr/sbin/kadmin.local", "-q", "addprinc -randkey alice");
        await Run("/usr/sbin/kadmin.local", "-q", $"ktadd -k {realm.In("service.keytab")} kafka/localhost");
        await Run("/usr/sbin/kadmin.local", "-q", $"ktadd -k {realm.In("alice.keytab")} alice");
        realm._kdc = Process.Start(Command("/usr/sbin/krb5kdc", "-n"))!;
        return realm;
    }

    public async Task LogIn(string user)
    {
        // The realm's server has just been started: it may take a moment until it answers.
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Run("/usr/bin/kinit", "-k", "-t", In($"{user}.keytab"), "-c", In("tickets"), user);
                break;
            }
            catch (InvalidOperationException) when (attempt < 50)
            {
                await Task.Delay(100);
            }
        }

        UseTickets("tickets");
    }

    public void UseTickets(string file) => Set("KRB5CCNAME", $"FILE:{In(file)}");

    public async ValueTask DisposeAsync()
    {
        if (_kdc is not null)
        {
            _kdc.Kill();
            await _kdc.WaitForExitAsync();
            _kdc.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>For the Kerberos library in this process too, which does not see what .NET sets.</summary>
    private static void Set(string name, string value)
    {
        Environment.SetEnvironmentVariable(name, value);
        Assert.Equal(0, SetEnvironment(name, value, 1));
    }

    private string In(string file) => Path.Combine(_folder, file);

    private static ProcessStartInfo Command(string program, params string[] arguments)
    {
        var command = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            command.ArgumentList.Add(argument);
        }

        return command;
    }

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(Command(program, arguments))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} failed: {errors} {await output}");
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}

[AttributeUsage(AttributeTargets.Method)]
public sealed class KerberosFactAttribute : FactAttribute
{
    private static readonly string[] Needed = ["/usr/sbin/krb5kdc", "/usr/sbin/kadmin.local", "/usr/sbin/kdb5_util", "/usr/bin/kinit"];

    public KerberosFactAttribute() =>
        Skip = Needed.FirstOrDefault(program => !File.Exists(program)) is { } missing
            ? $"needs a Kerberos realm of its own, and {missing} is not here"
            : null;
}
