using System.Runtime.InteropServices;
using KafkaBackup.Engine.Cluster;
using KafkaBackup.Engine.Cluster.Native;
using KafkaBackup.Engine.Configuration;
using Xunit;

namespace KafkaBackup.Engine.Tests.Configuration;

/// <summary>Properties of the client library that run code, and those that switch its checks off.</summary>
public sealed class ClientOptionTests : IDisposable
{
    private readonly ConfigDesk _desk = new();

    public static TheoryData<string> RunningCode => new(ClientOptionRules.RunningCode);

    public void Dispose() => _desk.Dispose();

    [Theory]
    [MemberData(nameof(RunningCode))]
    public void A7_a_file_may_not_set_a_property_that_runs_code(string name)
    {
        foreach (
            var error in new[]
            {
                _desk.RefusedBackup("storage:\n  path: store\n" + Options("source", name)),
                _desk.RefusedRestore("backup_id: nightly\nstorage:\n  path: store\n" + Options("target", name)),
            }
        )
        {
            Assert.Equal(ErrorIds.InvalidKafkaOption, error.Definition);
            Assert.Contains($"kafka_options.{name} is refused in a file", error.Message, StringComparison.Ordinal);
            Assert.Contains("-KafkaOption", error.Advice, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(RunningCode))]
    public void A7_the_command_line_may_set_it(string name)
    {
        var given = new ClusterSettings
        {
            BootstrapServers = ["localhost:9092"],
            KafkaOptions = new Dictionary<string, Secret> { [name] = new("x") },
        };
        Assert.Equal("x", _desk.Resolver.Resolve(given).KafkaOptions![name].Reveal());
    }

    [Fact]
    public void A7_a_librarys_path_in_a_file_loads_nothing()
    {
        var loaded = _desk.RefusedBackup("storage:\n  path: store\n" + Options("source", "plugin.library.paths"));
        Assert.DoesNotContain("/tmp/evil.so", loaded.Message + loaded.Advice, StringComparison.Ordinal);
    }

    /// <summary>Fails when the client library gets a property whose name looks like code to run and that nobody has looked at.</summary>
    [Fact]
    public void A7_every_property_of_the_library_that_can_run_code_is_known()
    {
        string[] looked = ["ssl_engine_callback_data", "sasl.kerberos.min.time.before.relogin"];
        string[] marks = ["plugin", "engine", "provider", "cmd", "command", "exec", "library", "script", "kinit", "module", "hook"];
        var names = PropertyNames();
        Assert.True(names.Length > 100);
        var suspicious = names.Where(name => marks.Any(mark => name.Contains(mark, StringComparison.OrdinalIgnoreCase))).Except(looked);
        Assert.Empty(suspicious.Except(ClientOptionRules.RunningCode));
    }

    [Theory]
    [InlineData("sasl.kerberos.principal", "me; touch /tmp/pwned")]
    [InlineData("sasl.kerberos.principal", "me pwned")]
    [InlineData("sasl.kerberos.keytab", "/etc/$(touch /tmp/pwned).keytab")]
    [InlineData("sasl.kerberos.keytab", "/etc/a\"; touch /tmp/pwned; \"")]
    [InlineData("sasl.kerberos.service.name", "kafka`id`")]
    public void A7_what_the_library_hands_to_a_shell_holds_nothing_that_a_shell_takes_for_its_own(string name, string value)
    {
        var given = new ClusterSettings
        {
            BootstrapServers = ["localhost:9092"],
            KafkaOptions = new Dictionary<string, Secret> { [name] = new(value) },
        };
        var error = Assert.Throws<KafkaBackupException>(() => _desk.Resolver.Resolve(given));
        Assert.Equal(ErrorIds.InvalidKafkaOption, error.Definition);
        Assert.DoesNotContain("pwned", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A7_an_ordinary_principal_and_keytab_pass()
    {
        var options = new Dictionary<string, Secret>
        {
            ["sasl.kerberos.principal"] = new("backup/host-1.example.com@EXAMPLE.COM"),
            ["sasl.kerberos.keytab"] = new("/etc/key tabs/backup.keytab"),
            ["sasl.kerberos.service.name"] = new("kafka"),
        };
        Assert.Equal(
            options,
            _desk.Resolver.Resolve(new ClusterSettings { BootstrapServers = ["localhost:9092"], KafkaOptions = options }).KafkaOptions
        );
    }

    [Theory]
    [InlineData("enable.ssl.certificate.verification", "false")]
    [InlineData("ssl.endpoint.identification.algorithm", "none")]
    [InlineData("enable.sasl.oauthbearer.unsecure.jwt", "true")]
    public void A7_a_check_that_is_switched_off_is_warned_of_each_time(string name, string value)
    {
        var given = new ClusterSettings
        {
            BootstrapServers = ["localhost:9092"],
            KafkaOptions = new Dictionary<string, Secret> { [name] = new(value) },
        };
        for (var round = 1; round <= 2; round++)
        {
            _desk.Resolver.Resolve(given);
            Assert.Equal(round, _desk.Events.Warnings.Count(w => w.Contains(name, StringComparison.Ordinal)));
        }
    }

    [Theory]
    [InlineData("enable.ssl.certificate.verification", "true")]
    [InlineData("ssl.endpoint.identification.algorithm", "https")]
    [InlineData("enable.sasl.oauthbearer.unsecure.jwt", "false")]
    public void A7_a_check_that_is_on_is_no_warning(string name, string value)
    {
        _desk.Resolver.Resolve(
            new ClusterSettings
            {
                BootstrapServers = ["localhost:9092"],
                KafkaOptions = new Dictionary<string, Secret> { [name] = new(value) },
            }
        );
        Assert.Empty(_desk.Events.Warnings);
    }

    /// <summary>Whatever the library has, a decision is made about it: none is passed over in silence where records are read.</summary>
    [Fact]
    public void A7_every_property_of_the_library_is_followed_refused_or_said_to_have_no_effect() =>
        Assert.Empty(PropertyNames().Where(name => !DataPathOptions.Knows(name)).Order());

    private static string Options(string side, string name) =>
        $"{side}:\n  {ConfigDesk.Cluster}\n  kafka_options:\n    {name}: /tmp/evil.so\n";

    /// <summary>The names of all properties that the loaded library knows, as it lists them itself.</summary>
    private static unsafe string[] PropertyNames()
    {
        NativeLibraryCheck.Run();
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var file = process
            .Modules.Cast<System.Diagnostics.ProcessModule>()
            .First(m => m.ModuleName.Contains("rdkafka", StringComparison.Ordinal))
            .FileName;
        var library = NativeLibrary.Load(file);
        var dump = (delegate* unmanaged[Cdecl]<nint, nuint*, byte**>)NativeLibrary.GetExport(library, "rd_kafka_conf_dump");
        var free = (delegate* unmanaged[Cdecl]<byte**, nuint, void>)NativeLibrary.GetExport(library, "rd_kafka_conf_dump_free");
        var conf = LibRdKafka.rd_kafka_conf_new();
        nuint count;
        var entries = dump(conf, &count);
        var names = new string[count / 2];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = Marshal.PtrToStringUTF8((nint)entries[2 * i])!;
        }

        free(entries, count);
        LibRdKafka.rd_kafka_conf_destroy(conf);
        return names;
    }
}
